import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { describe, test } from 'node:test'
import { parseTrustedKeys } from '../../src/audit/trail/trusted-keys.ts'
import { verifyTrail } from '../../src/audit/trail/verify-trail.ts'
import { instant } from '../../src/core/ids.ts'
import {
  ACCOUNT_B,
  type MadeKey,
  makeTrail,
  memoryCopy,
  sha256,
  TRAIL_START,
} from '../support/trail-maker.ts'
import {
  atHour,
  END,
  FOREIGN,
  findings,
  HOUR_MS,
  isOf,
  isTold,
  KEY,
  KEYS,
  UNTIL,
} from './audit-trail-fixture.ts'

describe('an anchor', () => {
  const { files, sequence } = makeTrail(KEY)
  interface Line {
    readonly time: string
    readonly nodeId: string
    readonly sequence: number
    readonly chain: string
    readonly digests: {
      accountId: string
      region: string
      digestEndTime: string
      signature: string
    }[]
  }
  /** What a node notes down after each hour. */
  function lines(): Line[] {
    return [1, 2, 3, 4].map((hour) => {
      const end = `${new Date(TRAIL_START + hour * HOUR_MS).toISOString().slice(0, 19)}Z`
      const compact = end.replaceAll(/[-:]/g, '')
      const signed = [...files].filter(([name]) => name.endsWith(`${compact}.json.gz.sig`))
      const frames = [12, 24, 24, 36][hour - 1] ?? 0
      return {
        time: end.replace('00:00Z', '00:05.123Z'),
        nodeId: 'node-of-tests',
        sequence: frames,
        chain: sha256(`chain ${frames}`),
        digests: signed.map(([name, bytes]) => ({
          accountId: name.split('/')[2] ?? '',
          region: name.split('/')[4] ?? '',
          digestEndTime: end,
          signature: bytes.toString().trim(),
        })),
      }
    })
  }
  const fileOf = (all: readonly unknown[]): { readonly file: string; readonly text: string } => ({
    file: 'anchors.jsonl',
    text: all.map((line) => `${JSON.stringify(line)}\n`).join(''),
  })
  const WRONG = 'cd'.repeat(256)

  test('that agrees is no finding, and gives the newest signature where the copy has none', async () => {
    assert.equal(lines()[3]?.digests.length, 3)
    assert.deepEqual(await findings(files, { anchors: fileOf(lines()) }), [])
    const unsigned = new Map([...files].filter(([name]) => !name.endsWith('.sig')))
    assert.deepEqual(await findings(unsigned, { anchors: fileOf(lines()) }), [])
  })

  test('shows a trail that was rolled back', async () => {
    const isOld = (name: string): boolean => !/_20260201T00\d\d|T010000Z/.test(name)
    const old = new Map([...files].filter(([name]) => isOld(name)))
    const until = instant(END)
    assert.deepEqual(await findings(old, { until }), [])
    const anchors = fileOf(lines())
    await isTold(
      old,
      /was rolled back: the digest that ends at 2026-02-01T01:00:00Z was anchored \(line 4\)/,
      { until, anchors },
    )
    const gone = new Map([...files].filter(([name]) => !isOf(ACCOUNT_B, name)))
    assert.deepEqual(await findings(gone), [])
    await isTold(gone, /was anchored, and nothing of it is in the copy/, { anchors })
  })

  test('shows a log that was made anew by the holder of the key', async () => {
    const other = makeTrail(
      KEY,
      atHour(2, (digest) => void (digest['x'] = 1)),
    )
    assert.deepEqual(await findings(other.files), [])
    await isTold(other.files, /is not the digest that was anchored \(line 3\)/, {
      anchors: fileOf(lines()),
    })
    const shorter = makeTrail(KEY, (digest) => void (digest.strongroom['nodeId'] = 'node-of-tests'))
    const ahead = {
      ...lines()[2],
      time: '2026-02-01T00:30:00Z',
      sequence: sequence + 5,
      chain: 'ab'.repeat(32),
      digests: [],
    }
    await isTold(shorter.files, /was rolled back: its log ends at frame 36, an anchor has 41/, {
      anchors: fileOf([ahead]),
    })
  })

  test('that was altered is found', async () => {
    const text = fileOf(lines()).text
    const told = async (changed: string, expected: RegExp): Promise<void> => {
      assert.notEqual(changed, text)
      await isTold(files, expected, { anchors: { file: 'anchors.jsonl', text: changed } })
    }
    await told(text.slice(0, -1), /was cut off/)
    await told(text.slice(0, -40), /was cut off/)
    await told('', /was cut off|holds no anchor/)
    await told('\n', /has no anchor in line 1/)
    await told(text.replace('"sequence":24', '"sequence":"24"'), /has no anchor in line 2/)
    await told(text.replace('"sequence":12', '"sequence":24'), /was another at frame 24/)
    await told(
      text.replace(/"signature":"\w+"/, `"signature":"${WRONG}"`),
      /not the digest that was anchored/,
    )
    await told(
      text.replace('"chain":"', '"chain":"0').replace(/(chain":"\w{64})\w/, '$1'),
      /was another at frame 12/,
    )
    const [one = '', two = '', ...rest] = text.split('\n')
    await told([two, one, ...rest].join('\n'), /in line 2 that is older than the one before/)
    await told(
      [one, two, one.replace(/"signature":"\w+"/, `"signature":"${WRONG}"`), ...rest].join('\n'),
      /another signature in line 3 than in line 1/,
    )
  })

  test('that is signed is checked', async () => {
    const signedBy = (text: string, key: MadeKey): string => {
      const signature = sign('sha256', Buffer.from(`strongroom anchor\n${text}`), key.privateKey)
      const members = { keyFingerprint: key.fingerprint, signature: signature.toString('hex') }
      return `${text.slice(0, -1)},${JSON.stringify(members).slice(1)}`
    }
    const told = async (line: string): Promise<readonly string[]> =>
      findings(files, { anchors: { file: 'anchors.jsonl', text: `${line}\n` } })
    const text = JSON.stringify(lines()[1])
    const line = signedBy(text, KEY)
    assert.deepEqual(await told(line), [])
    // Somebody else may have signed all of it again.
    assert.deepEqual(await told(`${line.slice(0, -1)},"countersignature":{"signature":"ab"}}`), [])
    const bad = /in line 1 that does not match its signature/
    assert.match((await told(signedBy(text, FOREIGN))).join(), bad)
    assert.match((await told(line.replace('00:05.123', '00:06.123'))).join(), bad)
    assert.match((await told(line.replace('"signature":"', '"signature":"0'))).join(), bad)
    assert.match(
      (await told(line.replace(',"keyFingerprint":"', ',"keyFingerprin":"'))).join(),
      bad,
    )
    assert.match((await told(line.replace(KEY.fingerprint, FOREIGN.fingerprint))).join(), bad)
    assert.match((await told(`${text}\n${line}`)).join(), /not signed in line 1, and others are/)
    const verdict = await verifyTrail(memoryCopy(files), {
      keys: KEYS,
      until: UNTIL,
      anchors: { file: 'anchors.jsonl', text: `${text}\n` },
    })
    assert.match(verdict.notes.join(), /anchors.jsonl has anchors that are not signed/)
  })

  test('that is signed counts as it was signed, whatever stands behind the signature', async () => {
    const text = JSON.stringify({ ...lines()[3], sequence: sequence + 5 })
    const signature = sign('sha256', Buffer.from(`strongroom anchor\n${text}`), KEY.privateKey)
    const line = `${text.slice(0, -1)},"keyFingerprint":"${KEY.fingerprint}","signature":"${signature.toString('hex')}"}`
    const old = new Map([...files].filter(([name]) => !/_20260201T00\d\d|T010000Z/.test(name)))
    for (const more of ['', ',"digests":[]', ',"digests":[],"sequence":1,"nodeId":"another"']) {
      const anchors = { file: 'anchors.jsonl', text: `${line.slice(0, -1)}${more}}\n` }
      await isTold(old, /was rolled back: the digest that ends at/, {
        until: instant(END),
        anchors,
      })
    }
    const cut = { file: 'anchors.jsonl', text: `${line.slice(0, -1)}\n` }
    await isTold(old, /has no anchor in line 1/, { anchors: cut })
  })

  test('that was signed with a key of another time is found', async () => {
    const text = JSON.stringify(lines()[1])
    const signature = sign('sha256', Buffer.from(`strongroom anchor\n${text}`), KEY.privateKey)
    const line = `${text.slice(0, -1)},"keyFingerprint":"${KEY.fingerprint}","signature":"${signature.toString('hex')}"}\n`
    const anchors = { file: 'anchors.jsonl', text: line }
    const until = (to: string): string =>
      `Valid from: 2025-01-01T00:00:00Z\nValid to: ${to}\n${KEY.publicPem}`
    const all = parseTrustedKeys(until('2027-01-01T00:00:00Z'))
    assert.deepEqual(await findings(files, { anchors, keys: all }), [])
    const old = parseTrustedKeys(until('2026-01-01T00:00:00Z'))
    const expected = /has an anchor in line 1 signed with a key that was not valid then/
    await isTold(files, expected, { anchors, keys: old })
  })

  test('of another account than that of the copy is passed over', async () => {
    const anchors = fileOf(lines())
    assert.deepEqual(await findings(files, { anchors, accountId: ACCOUNT_B }), [])
  })
})

describe('a file of public keys', () => {
  test('that was altered, cut, or is another is refused, or verifies nothing', async () => {
    const { files } = makeTrail(KEY)
    const pem = KEY.publicPem
    const hint = { name: 'OperatorError' }
    for (const text of [
      '',
      'x',
      pem.slice(0, -30),
      pem.slice(30),
      `${pem}${pem.slice(0, 200)}`,
      pem.replace(/\n(\w{4})/, '\n'),
    ]) {
      assert.throws(() => parseTrustedKeys(text), hint, text)
    }
    const keys = parseTrustedKeys(FOREIGN.publicPem)
    assert.equal((await findings(files, { keys })).length, 12)
    const body = pem.split('\n')
    for (const line of [1, 3, 5]) {
      const letters = (body[line] ?? '').split('')
      for (let at = 0; at < letters.length; at += 7) {
        const changed = letters.with(at, letters[at] === 'A' ? 'B' : 'A').join('')
        const text = body.with(line, changed).join('\n')
        const outcome = await Promise.try(() =>
          findings(files, { keys: parseTrustedKeys(text) }),
        ).catch(() => ['refused'])
        assert.ok(outcome.length > 0, `${line}:${at}`)
      }
    }
  })
})
