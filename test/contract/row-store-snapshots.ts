import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { AssertionFailure } from '../../src/core/assert.ts'
import { ConflictError } from '../../src/core/errors.ts'
import type { RowStore } from '../../src/core/store.ts'
import { aKeyRow, insertKeys, KEY_TABLE, keyIdsOf, REGION } from './row-samples.ts'
import type { OpenedRowStore } from './row-store.ts'

/** The part of the `RowStore` contract that is about moving whole stores: snapshots, and loading rows. */
export function rowSnapshotsContract(name: string, open: () => Promise<OpenedRowStore>): void {
  describe(`RowStore snapshots: ${name}`, () => {
    const opened: RowStore[] = []
    const fresh = async (): Promise<RowStore> => {
      const { store } = await open()
      opened.push(store)
      return store
    }
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close()
    })
    snapshotFacts(fresh)
  })
}

function snapshotFacts(fresh: () => Promise<RowStore>): void {
  const keys = { index: 'key', equals: [], limit: 100 }

  test('a snapshot sees what was committed when it was opened, and nothing of what follows', async () => {
    const store = await fresh()
    await insertKeys(store, aKeyRow('a'), aKeyRow('b'))
    await store.transaction(async (tx) => {
      await tx.setSetting('one', '1')
      await tx.addOutbox('{"frame":1}')
    })
    const epoch = await store.epoch()
    await store.snapshot(async (snapshot) => {
      await store.transaction(async (tx) => {
        await tx.delete(KEY_TABLE, [REGION, 'a'], 1)
        await tx.insert(KEY_TABLE, aKeyRow('c'))
        await tx.setSetting('one', '2')
        await tx.setSetting('two', '2')
        await tx.addOutbox('{"frame":2}')
      })
      assert.deepEqual(keyIdsOf(await snapshot.page(KEY_TABLE, keys)), ['a', 'b'])
      assert.equal((await snapshot.get(KEY_TABLE, [REGION, 'a']))?.version, 1)
      assert.equal(await snapshot.get(KEY_TABLE, [REGION, 'c']), undefined)
      assert.equal(await snapshot.count(KEY_TABLE, { index: 'key', equals: [], atMost: 9 }), 2)
      assert.equal(await snapshot.setting('one'), '1')
      assert.deepEqual(await snapshot.settings(), [{ name: 'one', value: '1' }])
      const entries = await snapshot.outbox(0, 10)
      assert.deepEqual(
        entries.map(({ frame }) => frame),
        ['{"frame":1}'],
      )
      assert.equal(snapshot.epoch, epoch)
      assert.equal(snapshot.outboxId, entries[0]?.id)
    })
    assert.deepEqual(keyIdsOf(await store.page(KEY_TABLE, keys)), ['b', 'c'])
  })

  test('a snapshot ends with its work, and its failure is the work’s', async () => {
    const store = await fresh()
    const failure = new Error('of the work')
    await assert.rejects(
      store.snapshot(() => Promise.reject(failure)),
      failure,
    )
    const kept = await store.snapshot(async (snapshot) => snapshot)
    await assert.rejects(async () => kept.get(KEY_TABLE, [REGION, 'a']), AssertionFailure)
    await insertKeys(store, aKeyRow('a'))
  })

  test('rows are loaded as they stand, all or none', async () => {
    const store = await fresh()
    const row = { ...aKeyRow('a'), version: 7 }
    await store.load(KEY_TABLE, [row, aKeyRow('b')])
    assert.deepEqual(await store.get(KEY_TABLE, row.key), row)
    await assert.rejects(store.load(KEY_TABLE, [aKeyRow('c'), aKeyRow('b')]), ConflictError)
    assert.equal(await store.get(KEY_TABLE, [REGION, 'c']), undefined)
    await store.transaction((tx) => tx.update(KEY_TABLE, { ...row, version: 8 }))
    assert.equal((await store.get(KEY_TABLE, row.key))?.version, 8)
  })

  test('outbox entries are loaded with their ids, and later ones come behind', async () => {
    const store = await fresh()
    await store.loadOutbox([
      { id: 3, frame: '{"frame":3}' },
      { id: 8, frame: '{"frame":8}' },
    ])
    const added = await store.transaction((tx) => tx.addOutbox('{"frame":9}'))
    assert.ok(added > 8)
    assert.deepEqual(
      (await store.outbox(0, 10)).map(({ id }) => id),
      [3, 8, added],
    )
  })
}
