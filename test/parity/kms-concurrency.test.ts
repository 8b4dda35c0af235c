import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { RowStore } from '../../src/core/store.ts'
import { TABLES } from '../../src/core/tables.ts'
import { openEmbeddedStore } from '../../src/storage/embedded/embedded-store.ts'
import { openMemoryStore } from '../../src/storage/memory/memory-store.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import {
  blob,
  createKey,
  listOf,
  succeeded,
  textOf,
  type WireAnswer,
  WireClient,
} from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
const RACERS = 12

/** Suites run against every kind of store: they differ in how transactions meet. */
const STORES: Readonly<Record<string, (folder: string) => Promise<RowStore>>> = {
  memory: async () => openMemoryStore(TABLES.map(({ schema }) => schema)),
  embedded: (folder) =>
    openEmbeddedStore({
      file: join(folder, 'strongroom.db'),
      tables: TABLES.map(({ schema }) => schema),
    }),
}

for (const [store, open] of Object.entries(STORES))
  describe(`calls at the same time: ${store} store`, () => {
    let folder: string
    let rows: RowStore
    let node: MemoryNode
    let kms: WireClient

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'strongroom-'))
      rows = await open(folder)
      node = await startMemoryNode({ rows })
      kms = new WireClient(node.endpoint, ACCOUNT)
    })

    after(async () => {
      kms.close()
      await node.close()
      await rows.close()
      await rm(folder, { recursive: true })
    })

    const race = (
      count: number,
      call: (at: number) => Promise<WireAnswer>,
    ): Promise<WireAnswer[]> => Promise.all(Array.from({ length: count }, (_, at) => call(at)))

    const codesOf = (answers: readonly WireAnswer[]): Readonly<Record<string, number>> => {
      const counts: Record<string, number> = {}
      for (const { status, json } of answers) {
        const code = status === 200 ? 'ok' : textOf(json, '__type')
        counts[code] = (counts[code] ?? 0) + 1
      }
      return counts
    }

    test('of many that make one alias exactly one wins, and the alias is the winner’s', async () => {
      const keys = await Promise.all(Array.from({ length: RACERS }, () => createKey(kms)))
      const answers = await race(RACERS, (at) =>
        kms.kms('CreateAlias', { AliasName: 'alias/raced', TargetKeyId: keys[at]?.id }),
      )
      assert.deepEqual(codesOf(answers), { ok: 1, AlreadyExistsException: RACERS - 1 })
      const winner = keys[answers.findIndex(({ status }) => status === 200)]
      const described = await kms.kms('DescribeKey', { KeyId: 'alias/raced' })
      assert.ok(winner && described.text.includes(winner.arn))
    })

    test('of many that remove one alias exactly one wins', async () => {
      const { id } = await createKey(kms)
      const AliasName = 'alias/removed-once'
      succeeded(await kms.kms('CreateAlias', { AliasName, TargetKeyId: id }))
      const answers = await race(RACERS, () => kms.kms('DeleteAlias', { AliasName }))
      assert.deepEqual(codesOf(answers), { ok: 1, NotFoundException: RACERS - 1 })
    })

    test('of many that schedule one deletion exactly one wins', async () => {
      const { id: KeyId } = await createKey(kms)
      const answers = await race(RACERS, (at) =>
        kms.kms('ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 + at }),
      )
      assert.deepEqual(codesOf(answers), { ok: 1, KMSInvalidStateException: RACERS - 1 })
      const won = answers.find(({ status }) => status === 200)
      const described = await kms.kms('DescribeKey', { KeyId })
      assert.ok(
        described.text.includes(`"DeletionDate":${JSON.stringify(won?.json['DeletionDate'])}`),
      )
      const cancelled = await race(RACERS, () => kms.kms('CancelKeyDeletion', { KeyId }))
      assert.deepEqual(codesOf(cancelled), { ok: 1, KMSInvalidStateException: RACERS - 1 })
    })

    test('no change of one key is lost: tags set at once are all there', async () => {
      const { id: KeyId } = await createKey(kms)
      const answers = await race(40, (at) =>
        kms.kms('TagResource', { KeyId, Tags: [{ TagKey: `k${at}`, TagValue: `v${at}` }] }),
      )
      assert.deepEqual(codesOf(answers), { ok: 40 })
      const listed = succeeded(await kms.kms('ListResourceTags', { KeyId }))
      assert.equal(listOf(listed, 'Tags').length, 40)
    })

    test('limits hold when they are reached at once', async () => {
      const { id } = await createKey(kms)
      const aliases = await race(60, (at) =>
        kms.kms('CreateAlias', { AliasName: `alias/rush-${at}`, TargetKeyId: id }),
      )
      assert.deepEqual(codesOf(aliases), { ok: 50, LimitExceededException: 10 })
      const tags = await race(60, (at) =>
        kms.kms('TagResource', { KeyId: id, Tags: [{ TagKey: `k${at}`, TagValue: '' }] }),
      )
      assert.deepEqual(codesOf(tags), { ok: 50, TagException: 10 })
    })

    test('a description and a state that change at once are both kept', async () => {
      for (let round = 0; round < 10; round++) {
        const { id: KeyId } = await createKey(kms)
        const answers = await Promise.all([
          kms.kms('UpdateKeyDescription', { KeyId, Description: `of round ${round}` }),
          kms.kms('DisableKey', { KeyId }),
        ])
        assert.deepEqual(codesOf(answers), { ok: 2 })
        const { text } = await kms.kms('DescribeKey', { KeyId })
        assert.match(text, /"KeyState":"Disabled"/)
        assert.match(text, new RegExp(`"Description":"of round ${round}"`))
      }
    })

    test('whatever arrives after the reply of DisableKey is refused, however many are under way', async () => {
      const { id: KeyId } = await createKey(kms)
      const input = { KeyId, Plaintext: blob('x') }
      const sealed = textOf(succeeded(await kms.kms('Encrypt', input)), 'CiphertextBlob')
      for (let round = 0; round < 5; round++) {
        const underWay = race(RACERS, () => kms.kms('Encrypt', input))
        succeeded(await kms.kms('DisableKey', { KeyId }))
        const late = await race(RACERS, (at) =>
          at % 2 === 0 ? kms.kms('Encrypt', input) : kms.kms('Decrypt', { CiphertextBlob: sealed }),
        )
        assert.deepEqual(codesOf(late), { DisabledException: RACERS })
        for (const code of Object.keys(codesOf(await underWay))) {
          assert.ok(['ok', 'DisabledException'].includes(code), code)
        }
        succeeded(await kms.kms('EnableKey', { KeyId }))
        assert.deepEqual(codesOf(await race(RACERS, () => kms.kms('Encrypt', input))), {
          ok: RACERS,
        })
      }
    })

    test('an alias that moves during use names one of its two keys, and after the reply the new one', async () => {
      const [first, second] = await Promise.all([createKey(kms), createKey(kms)])
      const AliasName = 'alias/moves'
      const input = { KeyId: AliasName, Plaintext: blob('x') }
      succeeded(await kms.kms('CreateAlias', { AliasName, TargetKeyId: first.id }))
      for (let round = 0; round < 6; round++) {
        const next = round % 2 === 0 ? second : first
        const underWay = race(RACERS, () => kms.kms('Encrypt', input))
        succeeded(await kms.kms('UpdateAlias', { AliasName, TargetKeyId: next.id }))
        for (const answer of await race(RACERS, () => kms.kms('Encrypt', input))) {
          assert.equal(succeeded(answer)['KeyId'], next.arn)
        }
        for (const answer of await underWay) {
          const { KeyId, CiphertextBlob } = succeeded(answer)
          assert.ok(KeyId === first.arn || KeyId === second.arn)
          // The blob is of the key that the reply names, not half of each.
          assert.equal(succeeded(await kms.kms('Decrypt', { CiphertextBlob }))['KeyId'], KeyId)
        }
      }
    })

    test('every one of the racing calls has left exactly one record', async () => {
      const { id: KeyId } = await createKey(kms)
      const answers = await race(RACERS, (at) =>
        kms.kms(at % 2 ? 'EnableKey' : 'DisableKey', { KeyId }),
      )
      for (const { requestId } of answers) node.sink.record(requestId)
      const outbox = node.sink.frames.flatMap(({ internal }) => internal['outbox'] ?? [])
      assert.equal(new Set(outbox).size, outbox.length)
    })
  })
