import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { AssertionFailure } from '../../src/core/assert.ts'
import { ConflictError } from '../../src/core/errors.ts'
import type { RowStore, RowTransaction } from '../../src/core/store.ts'
import {
  ACCOUNT,
  aDoomedRow,
  aKeyRow,
  changesOf,
  insertKeys,
  KEY_TABLE,
  keyIdsOf,
  REGION,
} from './row-samples.ts'

/** Opens an empty store; `reopen` opens the same one again, where an adapter keeps anything. */
export interface OpenedRowStore {
  readonly store: RowStore
  readonly reopen?: () => Promise<RowStore>
}

/** Every adapter runs this. A change to the `RowStore` port starts here. */
export function rowStoreContract(name: string, open: () => Promise<OpenedRowStore>): void {
  describe(`RowStore: ${name}`, () => {
    const opened: RowStore[] = []
    const fresh = async (): Promise<RowStore> => {
      const { store } = await open()
      opened.push(store)
      return store
    }
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close()
    })
    rowFacts(fresh)
    atomicityFacts(fresh)
    workFacts(fresh)
  })
}

type Fresh = () => Promise<RowStore>

function rowFacts(fresh: Fresh): void {
  test('a row comes back as it was inserted', async () => {
    const store = await fresh()
    const row = aKeyRow('a', {
      columns: { account_id: 'ä\u{1F511}\0', deletion_date: Number.MAX_SAFE_INTEGER },
      body: '{"text":"ü\u{1F511}\\u0000"}',
      secret: new Uint8Array([0, 255, 7]),
    })
    await insertKeys(store, row)
    assert.deepEqual(await store.get(KEY_TABLE, row.key), row)
  })

  test('an empty secret is not the absence of one', async () => {
    const store = await fresh()
    await insertKeys(store, aKeyRow('a', { secret: new Uint8Array() }), aKeyRow('b'))
    assert.equal((await store.get(KEY_TABLE, [REGION, 'a']))?.secret?.length, 0)
    assert.equal((await store.get(KEY_TABLE, [REGION, 'b']))?.secret, null)
  })

  test('what callers do to their bytes does not reach the store', async () => {
    const store = await fresh()
    const row = aKeyRow('a', { secret: new Uint8Array([1]) })
    await insertKeys(store, row)
    row.secret?.fill(9)
    row.mac.fill(9)
    const first = await store.get(KEY_TABLE, row.key)
    first?.secret?.fill(9)
    const second = await store.get(KEY_TABLE, row.key)
    assert.deepEqual(second?.secret, new Uint8Array([1]))
    assert.deepEqual(second?.mac, new Uint8Array([1, 2, 3]))
  })

  test('a key that nobody inserted is absent', async () => {
    const store = await fresh()
    assert.equal(await store.get(KEY_TABLE, [REGION, 'a']), undefined)
  })

  test('an insert under a taken key is a conflict and changes nothing', async () => {
    const store = await fresh()
    await insertKeys(store, aKeyRow('a', { body: '"first"' }))
    await assert.rejects(insertKeys(store, aKeyRow('a', { body: '"second"' })), ConflictError)
    assert.equal((await store.get(KEY_TABLE, [REGION, 'a']))?.body, '"first"')
  })

  test('of two concurrent inserts of one key exactly one wins', async () => {
    const store = await fresh()
    const results = await Promise.allSettled([
      insertKeys(store, aKeyRow('a')),
      insertKeys(store, aKeyRow('a')),
    ])
    assert.deepEqual(results.map((result) => result.status).sort(), ['fulfilled', 'rejected'])
  })

  test('an update replaces everything but the key', async () => {
    const store = await fresh()
    await insertKeys(store, aKeyRow('a', { secret: new Uint8Array([1]) }))
    const next = { ...aDoomedRow('a', 5), version: 2, body: '2', mac: new Uint8Array([9]) }
    await store.transaction((tx) => tx.update(KEY_TABLE, next))
    assert.deepEqual(await store.get(KEY_TABLE, next.key), next)
  })

  test('an update from another version is a conflict', async () => {
    const store = await fresh()
    await insertKeys(store, aKeyRow('a'))
    for (const version of [1, 3]) {
      const next = aKeyRow('a', { version, body: 'no' })
      await assert.rejects(
        store.transaction((tx) => tx.update(KEY_TABLE, next)),
        ConflictError,
      )
    }
    const missing = aKeyRow('b', { version: 2 })
    await assert.rejects(
      store.transaction((tx) => tx.update(KEY_TABLE, missing)),
      ConflictError,
    )
    assert.deepEqual(await store.get(KEY_TABLE, [REGION, 'a']), aKeyRow('a'))
  })

  test('a delete needs the version that is there', async () => {
    const store = await fresh()
    await insertKeys(store, aKeyRow('a'))
    for (const [keyId, version] of [['a', 2] as const, ['b', 1] as const]) {
      await assert.rejects(
        store.transaction((tx) => tx.delete(KEY_TABLE, [REGION, keyId], version)),
        ConflictError,
      )
    }
    await store.transaction((tx) => tx.delete(KEY_TABLE, [REGION, 'a'], 1))
    assert.equal(await store.get(KEY_TABLE, [REGION, 'a']), undefined)
  })

  test('a row that does not fit its table is refused as a bug', async () => {
    const store = await fresh()
    const misfits = [
      aKeyRow('a', { key: [REGION] }),
      aKeyRow('a', { key: [REGION, '\uD800'] }),
      aKeyRow('a', { version: 2 }),
      { ...aKeyRow('a'), columns: {} },
      aKeyRow('a', { columns: { account_id: ACCOUNT, deletion_date: 'soon' } }),
      aKeyRow('a', { columns: { account_id: ACCOUNT, deletion_date: 0.5 } }),
      aKeyRow('a', { columns: { account_id: ACCOUNT, deletion_date: null, more: 1 } }),
    ]
    for (const row of misfits) await assert.rejects(insertKeys(store, row), AssertionFailure)
    assert.equal(await store.count(KEY_TABLE, { index: 'key', equals: [], atMost: 10 }), 0)
  })

  test('a setting is absent, then has the value last set', async () => {
    const store = await fresh()
    assert.equal(await store.setting('custody'), undefined)
    await store.transaction((tx) => tx.setSetting('custody', 'one'))
    await store.transaction(async (tx) => {
      await tx.setSetting('custody', 'two')
      assert.equal(await tx.setting('custody'), 'two')
    })
    assert.equal(await store.setting('custody'), 'two')
    assert.equal(await store.setting('other'), undefined)
  })
}

function atomicityFacts(fresh: Fresh): void {
  test('a work that rejects leaves nothing and rejects with its own error', async () => {
    const store = await fresh()
    const error = new Error('changed my mind')
    const work = store.transaction(async (tx) => {
      await tx.insert(KEY_TABLE, aKeyRow('a'))
      await tx.setSetting('name', 'value')
      await tx.addOutbox('frame')
      throw error
    })
    await assert.rejects(work, (thrown) => thrown === error)
    assert.equal(await store.get(KEY_TABLE, [REGION, 'a']), undefined)
    assert.equal(await store.setting('name'), undefined)
    assert.deepEqual(await store.outbox(0, 10), [])
    assert.deepEqual(await store.changesSince(0, 10), [])
    assert.equal(await store.epoch(), 0)
  })

  test('a work that throws before it is async is undone as well', async () => {
    const store = await fresh()
    const work = store.transaction(() => {
      throw new TypeError('at once')
    })
    await assert.rejects(work, TypeError)
  })

  test('works that share a commit with one that fails are not touched', async () => {
    const store = await fresh()
    const results = await Promise.allSettled([
      insertKeys(store, aKeyRow('a')),
      store.transaction(async (tx) => {
        await tx.insert(KEY_TABLE, aKeyRow('b'))
        await tx.insert(KEY_TABLE, aKeyRow('a'))
      }),
      store.transaction(async (tx) => {
        await tx.insert(KEY_TABLE, aKeyRow('c'))
        throw new Error('no')
      }),
      insertKeys(store, aKeyRow('d')),
    ])
    assert.deepEqual(
      results.map((result) => result.status),
      ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
    )
    const rows = await store.page(KEY_TABLE, { index: 'key', equals: [], limit: 10 })
    assert.deepEqual(keyIdsOf(rows), ['a', 'd'])
    const changes = await store.changesSince(0, 10)
    assert.deepEqual(
      changes.map((change) => [change.epoch, change.key[1]]),
      [
        [1, 'a'],
        [2, 'd'],
      ],
    )
  })

  test('a work may go on after a conflict', async () => {
    const store = await fresh()
    await insertKeys(store, aKeyRow('a'))
    await store.transaction(async (tx) => {
      await assert.rejects(tx.insert(KEY_TABLE, aKeyRow('a')), ConflictError)
      await tx.insert(KEY_TABLE, aKeyRow('b'))
    })
    const rows = await store.page(KEY_TABLE, { index: 'key', equals: [], limit: 10 })
    assert.deepEqual(keyIdsOf(rows), ['a', 'b'])
  })

  test('a work sees its own changes, readers outside do not until it has committed', async () => {
    const store = await fresh()
    await insertKeys(store, aKeyRow('a'), aKeyRow('b'))
    const equals = [ACCOUNT]
    await store.transaction(async (tx) => {
      await tx.insert(KEY_TABLE, aKeyRow('c'))
      await tx.delete(KEY_TABLE, [REGION, 'a'], 1)
      await tx.update(KEY_TABLE, aKeyRow('b', { version: 2 }))
      const page = await tx.page(KEY_TABLE, { index: 'by_account', equals, limit: 10 })
      assert.deepEqual(keyIdsOf(page), ['b', 'c'])
      assert.equal(await tx.count(KEY_TABLE, { index: 'by_account', equals, atMost: 10 }), 2)
      assert.equal((await tx.get(KEY_TABLE, [REGION, 'b']))?.version, 2)
      assert.equal(await tx.get(KEY_TABLE, [REGION, 'a']), undefined)

      const outside = await store.page(KEY_TABLE, { index: 'by_account', equals, limit: 10 })
      assert.deepEqual(keyIdsOf(outside), ['a', 'b'])
      assert.equal((await store.get(KEY_TABLE, [REGION, 'b']))?.version, 1)
      assert.equal(await store.epoch(), 1)
    })
    const rows = await store.page(KEY_TABLE, { index: 'by_account', equals, limit: 10 })
    assert.deepEqual(keyIdsOf(rows), ['b', 'c'])
  })

  test('a work sees what the works before it did', async () => {
    const store = await fresh()
    const seen = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        store.transaction(async (tx) => {
          const text = (await tx.setting('count')) ?? '0'
          await tx.setSetting('count', String(Number(text) + 1))
          if (i % 7 === 3) await tx.insert(KEY_TABLE, aKeyRow(`k${i}`))
          return Number(text)
        }),
      ),
    )
    assert.deepEqual(
      seen,
      Array.from({ length: 200 }, (_, i) => i),
    )
    assert.equal(await store.setting('count'), '200')
  })
}

function workFacts(fresh: Fresh): void {
  test('a transaction resolves with what its work returned', async () => {
    const store = await fresh()
    assert.equal(await store.transaction(async () => 'value'), 'value')
  })

  test('a work that awaits something foreign fails and does not hold up the store', async () => {
    const store = await fresh()
    const stalled = store.transaction(async (tx) => {
      await tx.insert(KEY_TABLE, aKeyRow('a'))
      await new Promise(() => undefined)
    })
    const next = insertKeys(store, aKeyRow('b'))
    await assert.rejects(stalled, AssertionFailure)
    await next
    const rows = await store.page(KEY_TABLE, { index: 'key', equals: [], limit: 10 })
    assert.deepEqual(keyIdsOf(rows), ['b'])
  })

  test('a transaction is of no use after its work has ended', async () => {
    const store = await fresh()
    let kept: RowTransaction | undefined
    await store.transaction(async (tx) => {
      kept = tx
    })
    assert(kept)
    const ended = kept
    const uses = [
      () => ended.get(KEY_TABLE, [REGION, 'a']),
      () => ended.page(KEY_TABLE, { index: 'key', equals: [], limit: 1 }),
      () => ended.count(KEY_TABLE, { index: 'key', equals: [], atMost: 1 }),
      () => ended.setting('a'),
      () => ended.insert(KEY_TABLE, aKeyRow('a')),
      () => ended.update(KEY_TABLE, aKeyRow('a', { version: 2 })),
      () => ended.delete(KEY_TABLE, [REGION, 'a'], 1),
      () => ended.setSetting('a', 'b'),
      () => ended.addOutbox('a'),
    ]
    for (const use of uses) await assert.rejects(use(), AssertionFailure)
    assert.equal(await store.get(KEY_TABLE, [REGION, 'a']), undefined)
  })

  test('listeners hear of a commit when it can be read and before its caller goes on', async () => {
    const store = await fresh()
    const order: string[] = []
    const reads: Promise<unknown>[] = []
    store.onCommit((news) => {
      const changes = changesOf(news)
      order.push(`heard of ${changes.map((change) => change.key[1]).join()}`)
      for (const change of changes) reads.push(store.get(KEY_TABLE, change.key))
    })
    await insertKeys(store, aKeyRow('a'), aKeyRow('b'))
    order.push('resolved')
    assert.deepEqual(order, ['heard of a,b', 'resolved'])
    assert.deepEqual(await Promise.all(reads), [aKeyRow('a'), aKeyRow('b')])
  })

  test('a commit without changes of rows is told to nobody', async () => {
    const store = await fresh()
    let told = 0
    store.onCommit(() => told++)
    await store.transaction((tx) => tx.setSetting('a', 'b'))
    await assert.rejects(
      store.transaction(async (tx) => {
        await tx.insert(KEY_TABLE, aKeyRow('a'))
        throw new Error('no')
      }),
    )
    assert.equal(told, 0)
  })
}
