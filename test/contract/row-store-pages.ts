import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AssertionFailure } from '../../src/core/assert.ts'
import type { PageQuery, RowStore } from '../../src/core/store.ts'
import {
  ACCOUNT,
  aDoomedRow,
  aKeyRow,
  insertKeys,
  KEY_TABLE,
  keyIdsOf,
  REGION,
} from './row-samples.ts'
import type { OpenedRowStore } from './row-store.ts'

/** The part of the `RowStore` contract that is about order, ranges and counts. */
export function rowPagesContract(name: string, open: () => Promise<OpenedRowStore>): void {
  describe(`RowStore pages: ${name}`, () => {
    const withStore = async (use: (store: RowStore) => Promise<void>): Promise<void> => {
      const { store } = await open()
      try {
        await use(store)
      } finally {
        await store.close()
      }
    }
    orderFacts(withStore)
    rangeFacts(withStore)
    countFacts(withStore)
  })
}

type WithStore = (use: (store: RowStore) => Promise<void>) => Promise<void>

const idsOf = async (store: RowStore, query: PageQuery): Promise<string[]> =>
  keyIdsOf(await store.page(KEY_TABLE, query))

function orderFacts(withStore: WithStore): void {
  test('text is in the order of its UTF-8 bytes', () =>
    withStore(async (store) => {
      const inOrder = ['', '\0', '10', '9', 'A', 'a', 'a\0', 'aa', 'é', '\uFFFD', '\u{1F511}']
      await insertKeys(store, ...inOrder.toReversed().map((keyId) => aKeyRow(keyId)))
      assert.deepEqual(await idsOf(store, { index: 'key', equals: [], limit: 100 }), inOrder)
    }))

  test('integers are in the order of their values, and nulls come first', () =>
    withStore(async (store) => {
      const dates = [100, 9, -1, 0, Number.MAX_SAFE_INTEGER]
      await insertKeys(store, ...dates.map((date) => aDoomedRow(String(date), date)), aKeyRow('n'))
      assert.deepEqual(await idsOf(store, { index: 'by_deletion_date', equals: [], limit: 10 }), [
        'n',
        '-1',
        '0',
        '9',
        '100',
        String(Number.MAX_SAFE_INTEGER),
      ])
    }))

  test('pages that follow each other show every row once', () =>
    withStore(async (store) => {
      const all = Array.from({ length: 25 }, (_, i) => `k${String(i).padStart(2, '0')}`)
      await insertKeys(store, ...all.map((keyId) => aKeyRow(keyId)))
      const seen: string[] = []
      let after: readonly string[] | undefined
      for (;;) {
        const page = await store.page(KEY_TABLE, {
          index: 'by_account',
          equals: [ACCOUNT],
          limit: 4,
          ...(after && { after }),
        })
        seen.push(...keyIdsOf(page))
        after = page.at(-1)?.key
        if (page.length < 4) break
      }
      assert.deepEqual(seen, all)
    }))
}

function rangeFacts(withStore: WithStore): void {
  test('`equals` leaves out rows with other values', () =>
    withStore(async (store) => {
      const foreign = aKeyRow('f', { columns: { account_id: '444455556666', deletion_date: null } })
      const nobody = aKeyRow('n', { columns: { account_id: null, deletion_date: null } })
      await insertKeys(store, aKeyRow('a'), foreign, nobody, aKeyRow('z'))
      const page = (equals: string[]) => idsOf(store, { index: 'by_account', equals, limit: 10 })
      assert.deepEqual(await page([ACCOUNT]), ['a', 'z'])
      assert.deepEqual(await page([ACCOUNT, REGION, 'z']), ['z'])
      assert.deepEqual(await page([ACCOUNT, 'us-east-1']), [])
      assert.deepEqual(await page(['1']), [])
    }))

  test('`after` starts behind a place, whether or not a row is there', () =>
    withStore(async (store) => {
      await insertKeys(store, aKeyRow('a'), aKeyRow('c'), aKeyRow('e'))
      const page = (after: string[]) => idsOf(store, { index: 'key', equals: [], after, limit: 10 })
      assert.deepEqual(await page([REGION, 'a']), ['c', 'e'])
      assert.deepEqual(await page([REGION, 'b']), ['c', 'e'])
      assert.deepEqual(await page([REGION, 'e']), [])
      assert.deepEqual(await page(['']), ['a', 'c', 'e'])
      // Fewer values than columns: everything that begins with them is passed over.
      assert.deepEqual(await page([REGION]), [])
      assert.deepEqual(await page([]), ['a', 'c', 'e'])
    }))

  test('`upTo` includes its value and leaves out nulls', () =>
    withStore(async (store) => {
      await insertKeys(
        store,
        aKeyRow('never'),
        aDoomedRow('a', 10),
        aDoomedRow('b', 20),
        aDoomedRow('c', 20),
        aDoomedRow('d', 21),
      )
      const query = { index: 'by_deletion_date', equals: [], upTo: 20 } as const
      assert.deepEqual(await idsOf(store, { ...query, limit: 10 }), ['a', 'b', 'c'])
      assert.deepEqual(await idsOf(store, { ...query, limit: 2 }), ['a', 'b'])
      assert.deepEqual(await idsOf(store, { ...query, after: [20, REGION, 'b'], limit: 10 }), ['c'])
      assert.deepEqual(await idsOf(store, { ...query, upTo: 9, limit: 10 }), [])
    }))

  test('`upTo` bounds the column behind `equals`', () =>
    withStore(async (store) => {
      await insertKeys(store, aKeyRow('a'), aKeyRow('b'), aKeyRow('c'))
      const equals = [ACCOUNT, REGION]
      assert.deepEqual(await idsOf(store, { index: 'by_account', equals, upTo: 'b', limit: 10 }), [
        'a',
        'b',
      ])
    }))

  test('a row moves in an index when its column changes', () =>
    withStore(async (store) => {
      await insertKeys(store, aKeyRow('a'), aDoomedRow('b', 5))
      await store.transaction(async (tx) => {
        await tx.update(KEY_TABLE, { ...aDoomedRow('a', 3), version: 2 })
        await tx.update(KEY_TABLE, { ...aKeyRow('b'), version: 2 })
      })
      const query = { index: 'by_deletion_date', equals: [], upTo: 100, limit: 10 }
      assert.deepEqual(await idsOf(store, query), ['a'])
    }))

  test('a query that does not fit its index is refused as a bug', () =>
    withStore(async (store) => {
      const misfits: PageQuery[] = [
        { index: 'none', equals: [], limit: 1 },
        { index: 'constructor', equals: [], limit: 1 },
        { index: 'key', equals: [], limit: 0 },
        { index: 'key', equals: [], limit: 10_001 },
        { index: 'key', equals: ['a', 'b', 'c'], limit: 1 },
        { index: 'key', equals: ['a'], after: ['b', 'c'], limit: 1 },
        { index: 'key', equals: [1], limit: 1 },
        { index: 'by_deletion_date', equals: [], upTo: '5', limit: 1 },
        { index: 'key', equals: ['a', 'b'], upTo: 'c', limit: 1 },
      ]
      for (const query of misfits) {
        await assert.rejects(store.page(KEY_TABLE, query), AssertionFailure)
      }
      await assert.rejects(
        store.page(
          { ...KEY_TABLE, name: 'other' },
          {
            index: 'key',
            equals: [],
            limit: 1,
          },
        ),
        AssertionFailure,
      )
    }))
}

function countFacts(withStore: WithStore): void {
  test('a count is of the rows that share the values, and stops at `atMost`', () =>
    withStore(async (store) => {
      await insertKeys(store, aKeyRow('a'), aKeyRow('b'), aDoomedRow('c', 5))
      const count = (index: string, equals: (string | number)[], atMost = 100) =>
        store.count(KEY_TABLE, { index, equals, atMost })
      assert.equal(await count('by_account', [ACCOUNT]), 3)
      assert.equal(await count('by_account', [ACCOUNT], 2), 2)
      assert.equal(await count('by_account', ['444455556666']), 0)
      assert.equal(await count('by_deletion_date', [5]), 1)
      assert.equal(await count('key', []), 3)
      assert.equal(await count('key', [REGION, 'a']), 1)
      await assert.rejects(count('key', [], 0), AssertionFailure)
      await assert.rejects(count('none', []), AssertionFailure)
    }))
}
