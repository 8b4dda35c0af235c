import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { AssertionFailure } from '../../src/core/assert.ts'
import { DependencyError } from '../../src/core/errors.ts'
import { ANNOUNCED_SETTINGS, type Change, type RowStore } from '../../src/core/store.ts'
import {
  ACCOUNT,
  ALIAS_TABLE,
  aDoomedRow,
  aKeyRow,
  insertKeys,
  KEY_TABLE,
  REGION,
} from './row-samples.ts'
import type { OpenedRowStore } from './row-store.ts'

/** The part of the `RowStore` contract that is about the change feed, the outbox and closing. */
export function rowFeedContract(name: string, open: () => Promise<OpenedRowStore>): void {
  describe(`RowStore feed and outbox: ${name}`, () => {
    const opened: RowStore[] = []
    const fresh = async (): Promise<RowStore> => {
      const { store } = await open()
      opened.push(store)
      return store
    }
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close()
    })
    feedFacts(fresh)
    outboxFacts(fresh)
    closingFacts(open)
  })
}

type Fresh = () => Promise<RowStore>

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

  test('an announced setting has an entry in the feed, and listeners hear of it', async () => {
    const store = await fresh()
    const told: Change[] = []
    store.onCommit((news) => {
      if (news !== 'everything') told.push(...news)
    })
    await store.transaction(async (tx) => {
      await tx.announceSetting('keys', 'one')
      assert.equal(await tx.setting('keys'), 'one')
    })
    await store.transaction((tx) => tx.announceSetting('keys', 'two'))
    const entry = (epoch: number): Change => ({ epoch, table: ANNOUNCED_SETTINGS, key: ['keys'] })
    assert.deepEqual(await store.changesSince(0, 10), [entry(1), entry(2)])
    assert.deepEqual(told, [entry(1), entry(2)])
    assert.equal(await store.setting('keys'), 'two')
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

  test('ids that were seen elsewhere are never given out', async () => {
    const store = await fresh()
    const first = await store.transaction((tx) => tx.addOutbox('one'))
    await store.raiseOutbox(first + 40)
    await store.raiseOutbox(first + 4)
    await store.raiseOutbox(0)
    const next = await store.transaction((tx) => tx.addOutbox('two'))
    assert.equal(next, first + 41)
    assert.deepEqual(await store.outbox(first, 10), [{ id: next, frame: 'two' }])
    assert.equal(await store.epoch(), 0)
    for (const id of [-1, 0.5, Number.NaN, 2 ** 53]) {
      await assert.rejects(store.raiseOutbox(id), AssertionFailure)
    }
  })

  test('raising and adding may share a commit', async () => {
    const store = await fresh()
    const [before, , after] = await Promise.all([
      store.transaction((tx) => tx.addOutbox('before')),
      store.raiseOutbox(100),
      store.transaction((tx) => tx.addOutbox('after')),
    ])
    assert.deepEqual([before, after], [1, 101])
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
    await store.raiseOutbox(kept + 7)
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
      assert.equal(await again.transaction((tx) => tx.addOutbox('next')), kept + 8)
    } finally {
      await again.close()
    }
  })
}
