import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seededRandom } from '../../test/support/seeded-random.ts'
import { OperatorError } from '../core/errors.ts'
import { instant } from '../core/ids.ts'
import { type CustodyParts, createCustody, openCustody } from './custody.ts'
import { formatShare, parseShare } from './key-share.ts'
import { type Quorum, sharesSeal, type UnsealProgress } from './seal-shares.ts'

const random = seededRandom('shares')
const clock = { now: () => instant(0) }

/** A seal whose keepers give these shares, one after the other. */
function keepers(given: readonly string[], quorum?: Quorum) {
  const handedOut: string[] = []
  const seen: UnsealProgress[] = []
  const waiting = [...given]
  const parts: CustodyParts = {
    random,
    clock,
    seal: sharesSeal({
      random,
      quorum,
      handOut: async (shares) => void handedOut.push(...shares),
      nextShare: async (progress) => {
        seen.push(progress)
        return waiting.shift() ?? assert.fail('more shares were asked for')
      },
    }),
  }
  return { parts, handedOut, seen }
}

async function sealed(quorum: Quorum) {
  const first = keepers([], quorum)
  const custody = await createCustody(first.parts)
  return { custody, text: custody.settingText, shares: first.handedOut }
}

/** Every way of choosing `size` of the shares. */
function* choices(shares: readonly string[], size: number): Generator<string[]> {
  if (size === 0) yield []
  else {
    for (const [at, share] of shares.entries()) {
      for (const rest of choices(shares.slice(at + 1), size - 1)) yield [share, ...rest]
    }
  }
}

describe('the shares seal', () => {
  test('opens with any three of five, in any order', async () => {
    const { custody, text, shares } = await sealed({ shares: 5, threshold: 3 })
    assert.equal(new Set(shares).size, 5)
    for (const chosen of choices(shares, 3)) {
      const { parts, seen } = keepers(chosen.toReversed())
      assert.equal((await openCustody(text, parts)).rootKeyId, custody.rootKeyId)
      assert.deepEqual(
        seen.map(({ given }) => given),
        [0, 1, 2],
      )
    }
  })

  test('says nothing of the root key or a share in the store', async () => {
    const { text, shares } = await sealed({ shares: 3, threshold: 2 })
    for (const typed of shares) {
      const { share } = parseShare(typed)
      assert.ok(!text.includes(Buffer.from(share.expose()).toString('base64').slice(0, 40)))
    }
  })

  test('takes a share once, and none of another store or mistyped, and says why', async () => {
    const { text, shares } = await sealed({ shares: 3, threshold: 2 })
    const other = await sealed({ shares: 3, threshold: 2 })
    const [a = '', b = ''] = shares
    const mistyped = `${b.slice(0, -1)}${b.endsWith('0') ? '1' : '0'}`
    const { parts, seen } = keepers([a, a, other.shares[0] ?? '', mistyped, 'open sesame', b])
    await openCustody(text, parts)
    assert.deepEqual(
      seen.map(({ given, refusal }) => [given, refusal?.message]),
      [
        [0, undefined],
        [1, undefined],
        [1, 'this share has been given already'],
        [1, 'the share is none of this root key'],
        [1, 'the share has a wrong character somewhere'],
        [1, 'that is no share of a root key'],
      ],
    )
  })

  test('a rotation hands out new shares, and the old ones open nothing any more', async () => {
    const { text, shares } = await sealed({ shares: 3, threshold: 2 })
    const holder = keepers(shares)
    const custody = await openCustody(text, holder.parts)
    let committed = text
    const commit = async (next: string) => void (committed = next)
    await custody.rotateRootKey({ commit })
    assert.equal(holder.handedOut.length, 3)
    const [a = '', b = ''] = holder.handedOut
    const later = keepers([shares[0] ?? '', a, b])
    assert.equal((await openCustody(committed, later.parts)).rootKeyId, custody.rootKeyId)
    assert.equal(later.seen[1]?.refusal?.message, 'the share is none of this root key')
  })

  test('refuses what is no quorum', async () => {
    for (const [shares, threshold] of [
      [1, 1],
      [3, 1],
      [2, 3],
      [256, 2],
      [2.5, 2],
    ] as const) {
      await assert.rejects(sealed({ shares, threshold }), OperatorError)
    }
    await assert.rejects(createCustody(keepers([]).parts), /how many shares/)
  })
})

describe('a share as text', () => {
  test('is read again however it was typed', async () => {
    const { shares } = await sealed({ shares: 2, threshold: 2 })
    const [text = ''] = shares
    assert.match(text, /^SRS1(-[0-9A-HJKMNP-TV-Z]{6})+$/)
    for (const typed of [
      text.toLowerCase(),
      text.replaceAll('-', ' '),
      text.replaceAll('-', ''),
      ` ${text}\n`,
      text.replaceAll('0', 'o').replaceAll('1', 'l'),
    ]) {
      assert.equal(formatShare(parseShare(typed)), text)
    }
  })

  test('shows one wrong character anywhere', async () => {
    const { shares } = await sealed({ shares: 2, threshold: 2 })
    const [text = ''] = shares
    for (const [at, character] of text.split('').entries()) {
      if (character === '-') continue
      const typed = text.slice(0, at) + (character === '7' ? '8' : '7') + text.slice(at + 1)
      assert.throws(() => parseShare(typed), OperatorError, String(at))
    }
  })
})
