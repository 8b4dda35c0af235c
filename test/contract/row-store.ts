import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { AssertionFailure } from '../../src/core/assert.ts'
import { ConflictError, DependencyError } from '../../src/core/errors.ts'
import type { Change, RowStore, RowTransaction } from '../../src/core/store.ts'
import {
  ACCOUNT,
  ALIAS_TABLE,
  aDoomedRow,
  aKeyRow,
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
    feedFacts(fresh)
    outboxFacts(fresh)
    closingFacts(open)
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
      aKeyRow('a', { columns: {} }),
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
    store.onCommit((changes) => {
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

function feedFacts(fresh: Fresh): void {
  test('each work that changed rows has one epoch, and one entry for each change', async () => {
    const store = await fresh()
    await insertKeys(store, aKeyRow('a'), aKeyRow('b'))
    await store.transaction((tx) => tx.setSetting('a', 'b'))
    await store.transaction(async (tx) => {
      await tx.update(KEY_TABLE, aKeyRow('b', { version: 2 }))
      await tx.delete(KEY_TABLE, [REGION, 'a'], 1)
    })
    const entry = (epoch: number, keyId: string): Change => ({
      epoch,
      table: 'kms_key',
      key: [REGION, keyId],
    })
    const all = [entry(1, 'a'), entry(1, 'b'), entry(2, 'b'), entry(2, 'a')]
    assert.equal(await store.epoch(), 2)
    assert.deepEqual(await store.changesSince(0, 10), all)
    assert.deepEqual(await store.changesSince(1, 10), all.slice(2))
    assert.deepEqual(await store.changesSince(2, 10), [])
  })

  test('a short read of the feed never splits an epoch', async () => {
    const store = await fresh()
    await insertKeys(store, aKeyRow('a'), aKeyRow('b'), aKeyRow('c'))
    await insertKeys(store, aKeyRow('d'))
    const first = await store.changesSince(0, 1)
    assert.deepEqual(
      first.map((change) => change.key[1]),
      ['a', 'b', 'c'],
    )
    assert.equal((await store.changesSince(1, 1)).length, 1)
  })

  test('trimming forgets old entries and no epoch comes twice', async () => {
    const store = await fresh()
    await insertKeys(store, aKeyRow('a'))
    await insertKeys(store, aKeyRow('b'))
    await store.trimChanges(1)
    assert.deepEqual(
      (await store.changesSince(0, 10)).map((change) => change.epoch),
      [2],
    )
    await store.trimChanges(2)
    assert.equal(await store.epoch(), 2)
    await insertKeys(store, aKeyRow('c'))
    assert.equal(await store.epoch(), 3)
  })
}

function outboxFacts(fresh: Fresh): void {
  test('outbox entries are there when the transaction has resolved, in order', async () => {
    const store = await fresh()
    const ids = await store.transaction(async (tx) => [
      await tx.addOutbox('one'),
      await tx.addOutbox('two'),
    ])
    const [first = 0, second = 0] = ids
    assert.ok(first < second)
    assert.deepEqual(await store.outbox(0, 10), [
      { id: first, frame: 'one' },
      { id: second, frame: 'two' },
    ])
    assert.deepEqual(await store.outbox(first, 10), [{ id: second, frame: 'two' }])
    assert.deepEqual(await store.outbox(0, 1), [{ id: first, frame: 'one' }])
  })

  test('delivered entries go with a later commit, and their ids never come again', async () => {
    const store = await fresh()
    const first = await store.transaction((tx) => tx.addOutbox('one'))
    const second = await store.transaction((tx) => tx.addOutbox('two'))
    store.outboxDelivered([first, second])
    await insertKeys(store, aKeyRow('a'))
    assert.deepEqual(await store.outbox(0, 10), [])
    const third = await store.transaction((tx) => tx.addOutbox('three'))
    assert.ok(third > second)
    assert.deepEqual(await store.outbox(0, 10), [{ id: third, frame: 'three' }])
  })

  test('works that share a commit get different outbox ids, failures between them or not', async () => {
    const store = await fresh()
    const works = Array.from({ length: 9 }, (_, i) =>
      store.transaction(async (tx) => {
        const id = await tx.addOutbox(`frame ${i}`)
        if (i % 3 === 1) throw new Error('no')
        return { id, frame: `frame ${i}` }
      }),
    )
    const settled = await Promise.allSettled(works)
    const kept = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    assert.equal(kept.length, 6)
    assert.deepEqual(await store.outbox(0, 100), kept)
  })
}

function closingFacts(open: () => Promise<OpenedRowStore>): void {
  test('closing finishes the works that wait, then refuses new ones', async () => {
    const { store } = await open()
    const works = Array.from({ length: 100 }, (_, i) => insertKeys(store, aKeyRow(`k${i}`)))
    await store.close()
    await Promise.all(works)
    await assert.rejects(insertKeys(store, aKeyRow('late')), DependencyError)
    await assert.rejects(store.get(KEY_TABLE, [REGION, 'k1']), DependencyError)
    await store.close()
  })

  test('what was acknowledged is there after reopening', async (t) => {
    const { store, reopen } = await open()
    await insertKeys(store, aKeyRow('a', { secret: new Uint8Array([7]) }), aDoomedRow('b', 5))
    await store.transaction(async (tx) => {
      await tx.setSetting('name', 'value')
      await tx.insert(ALIAS_TABLE, {
        ...aKeyRow('x'),
        key: [ACCOUNT, REGION, 'alias/x'],
        columns: { target_key_id: 'a' },
      })
    })
    const delivered = await store.transaction((tx) => tx.addOutbox('delivered'))
    const kept = await store.transaction((tx) => tx.addOutbox('kept'))
    store.outboxDelivered([delivered])
    await store.close()
    if (reopen === undefined) {
      t.skip('the adapter keeps nothing')
      return
    }
    const again = await reopen()
    try {
      const rows = await again.page(KEY_TABLE, { index: 'key', equals: [], limit: 10 })
      assert.deepEqual(rows, [aKeyRow('a', { secret: new Uint8Array([7]) }), aDoomedRow('b', 5)])
      assert.equal(await again.setting('name'), 'value')
      assert.equal(await again.epoch(), 2)
      assert.equal((await again.changesSince(0, 10)).length, 3)
      assert.deepEqual(await again.outbox(0, 10), [{ id: kept, frame: 'kept' }])
      assert.ok((await again.transaction((tx) => tx.addOutbox('next'))) > kept)
    } finally {
      await again.close()
    }
  })
}
