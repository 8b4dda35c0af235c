import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { AssertionFailure } from '../../src/core/assert.ts'
import { IntegrityError } from '../../src/core/errors.ts'
import type { AccountId } from '../../src/core/ids.ts'
import type { Key } from '../../src/core/key.ts'
import type { Listing } from '../../src/core/records.ts'
import { KEYS, TABLES } from '../../src/core/tables.ts'
import { CachedListings } from '../../src/storage/cached-listings.ts'
import { openMemoryStore } from '../../src/storage/memory/memory-store.ts'
import { createRecordStore } from '../../src/storage/record-store.ts'
import {
  ACCOUNT,
  aKey,
  keyIdOf,
  keyOf,
  REGION,
  TwoKeyGuard,
  watch,
} from './record-store-fixture.ts'

interface Shown {
  readonly keyId: string
  readonly description: string
}

const SHOWN: Listing<Key, Shown> = {
  table: KEYS,
  index: 'by_account',
  entryOf: ({ keyId, description }) => ({ keyId, description }),
  placeOf: ({ keyId }) => keyId,
}
// The parser belongs to the tests of ids; the text has the form.
const OTHER = '444455556666' as AccountId

const setUp = async (keys: number) => {
  const watched = watch(openMemoryStore(TABLES.map((table) => table.schema)))
  const records = createRecordStore({
    rows: watched.rows,
    guard: new TwoKeyGuard(),
    cacheRecords: 10,
  })
  const insert = (n: number, more: Partial<Key> = {}) =>
    records.transaction((tx) => tx.insert(KEYS, aKey(n, more)))
  const change = async (n: number, to: Key | undefined) => {
    await records.transaction(async (tx) => {
      const stored = await tx.find(KEYS, keyOf(n))
      assert(stored)
      await (to === undefined ? tx.remove(KEYS, stored) : tx.update(KEYS, stored, to))
    })
  }
  const list = async (after: number | undefined, limit: number, account = ACCOUNT) => {
    const equals = [account, REGION]
    const page = await records.list(SHOWN, {
      equals,
      after: after === undefined ? undefined : keyIdOf(after),
      limit,
    })
    return page.map(({ description }) => description)
  }
  for (let n = 0; n < keys; n++) await insert(n)
  return { watched, records, insert, change, list }
}

describe('a listing', () => {
  test('is read once, whichever pages are asked for', async () => {
    const { watched, list } = await setUp(20)
    watched.pages = 0
    assert.deepEqual(await list(undefined, 2), ['key 0', 'key 1'])
    assert.deepEqual(await list(17, 5), ['key 18', 'key 19'])
    assert.deepEqual(await list(4, 1), ['key 5'])
    assert.deepEqual(await list(19, 5), [])
    assert.equal(watched.pages, 1)
  })

  test('longer than what is read at once is whole all the same', async () => {
    const { list } = await setUp(600)
    assert.deepEqual(
      await list(9, 500),
      Array.from({ length: 500 }, (_, n) => `key ${n + 10}`),
    )
  })

  test('shows every commit that has returned, of all accounts in theirs alone', async () => {
    const { insert, change, list } = await setUp(3)
    await list(undefined, 10)
    await list(undefined, 10, OTHER)
    await insert(3)
    assert.deepEqual(await list(undefined, 10), ['key 0', 'key 1', 'key 2', 'key 3'])
    await change(1, aKey(1, { description: 'renamed' }))
    assert.deepEqual((await list(0, 1))[0], 'renamed')
    await change(2, undefined)
    assert.deepEqual(await list(0, 10), ['renamed', 'key 3'])
    await change(1, aKey(1, { accountId: OTHER, description: 'moved' }))
    assert.deepEqual(await list(undefined, 10, OTHER), ['moved'])
    assert.deepEqual(await list(0, 10), ['key 3'])
    await change(1, aKey(1, { description: 'renamed' }))
    await insert(2, { accountId: OTHER })
    assert.deepEqual(await list(undefined, 10, OTHER), ['key 2'])
    assert.deepEqual(await list(0, 10), ['renamed', 'key 3'])
  })

  test('does not keep what a commit has overtaken', async () => {
    const { watched, insert, list } = await setUp(1)
    let open = (): void => undefined
    watched.gate = new Promise((resolve) => (open = resolve))
    const early = list(undefined, 10)
    await insert(1)
    watched.gate = undefined
    assert.deepEqual(await list(undefined, 10), ['key 0', 'key 1'])
    open()
    assert.deepEqual(await early, ['key 0', 'key 1'])
    assert.deepEqual(await list(undefined, 10), ['key 0', 'key 1'])
  })

  test('that changes faster than it is read is answered from the store', async () => {
    const { watched, records, list } = await setUp(2)
    const { page } = watched.rows
    const slow = watch({
      ...watched.rows,
      async page(...args) {
        const rows = await page(...args)
        await records.transaction(async (tx) => {
          const stored = await tx.find(KEYS, keyOf(0))
          assert(stored)
          await tx.update(KEYS, stored, aKey(0, { description: `version ${stored.version}` }))
        })
        return rows
      },
    })
    const store = createRecordStore({ rows: slow.rows, guard: new TwoKeyGuard(), cacheRecords: 0 })
    const entries = await store.list(SHOWN, { equals: [ACCOUNT, REGION], limit: 5 })
    assert.deepEqual(
      entries.map(({ keyId }) => keyId),
      [keyIdOf(0), keyIdOf(1)],
    )
    assert.match((await list(undefined, 1))[0] ?? '', /^version \d+$/)
  })

  test('refuses a row that was altered outside, and keeps nothing of it', async () => {
    const { watched, list } = await setUp(2)
    watched.edit = (row) => ({ ...row, version: row.version + 1 })
    await assert.rejects(list(undefined, 10), IntegrityError)
    watched.edit = undefined
    assert.deepEqual(await list(undefined, 10), ['key 0', 'key 1'])
  })

  test('inside a transaction shows what the transaction has done', async () => {
    const { records } = await setUp(1)
    const query = { equals: [ACCOUNT, REGION], limit: 5 }
    await records.list(SHOWN, query)
    await records.transaction(async (tx) => {
      await tx.insert(KEYS, aKey(1))
      assert.equal((await tx.list(SHOWN, query)).length, 2)
      assert.equal((await records.list(SHOWN, query)).length, 1)
    })
  })

  test('by an index that does not end in a part of the key is refused', async () => {
    const { records } = await setUp(0)
    const other = { ...SHOWN, index: 'by_deletion_date' }
    await assert.rejects(records.list(other, { equals: [REGION], limit: 5 }), AssertionFailure)
  })
})

test('listings that are too many entries are forgotten, those used longest ago first', async () => {
  const { watched, records, insert } = await setUp(50)
  for (let n = 50; n < 100; n++) await insert(n, { accountId: OTHER })
  const listings = new CachedListings(records, 100)
  watched.pages = 0
  const list = (account: string) => listings.list(SHOWN, { equals: [account, REGION], limit: 100 })
  for (const account of [ACCOUNT, OTHER, OTHER]) assert.equal((await list(account)).length, 50)
  assert.equal(watched.pages, 2)
  assert.equal((await list(ACCOUNT)).length, 50)
  assert.equal(watched.pages, 3)
})

test('pages and commits in any order: a listing is what the store holds', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('toggle' as const), n: fc.nat(400) }),
    fc.record({ do: fc.constant('list' as const), n: fc.nat(400), limit: fc.nat(399) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { records, insert, change, list } = await setUp(0)
      await records.transaction(async (tx) => {
        for (let n = 0; n < 400; n += 1) if (n % 7 !== 0) await tx.insert(KEYS, aKey(n))
      })
      for (const { do: act, n, ...more } of steps) {
        if (act === 'toggle') {
          const isThere = (await records.find(KEYS, keyOf(n))) !== undefined
          await (isThere ? change(n, undefined) : insert(n))
          continue
        }
        const limit = 1 + ('limit' in more ? more.limit : 0)
        const query = { index: 'by_account', equals: [ACCOUNT, REGION], after: [keyIdOf(n)], limit }
        const truth = await records.page(KEYS, query)
        assert.deepEqual(
          await list(n, limit),
          truth.map(({ record }) => record.description),
        )
      }
    }),
    { numRuns: 20 },
  )
})
