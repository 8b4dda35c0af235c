import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { aKeyRow, insertKeys, KEY_TABLE, REGION } from '../../test/contract/row-samples.ts'
import { IntegrityError } from '../core/errors.ts'
import type { Row, RowReader } from '../core/store.ts'
import { TABLES } from '../core/tables.ts'
import { openMemoryStore } from './memory/memory-store.ts'
import {
  compareStores,
  completeTransfer,
  copyStore,
  countRows,
  TRANSFER_BEGUN,
  TRANSFER_DONE,
  TRANSFER_SETTING,
} from './transfer.ts'

const tables = TABLES.map(({ schema }) => schema)
const LAST = 'custody'

async function filled() {
  const store = openMemoryStore(tables)
  const rows = Array.from({ length: 1203 }, (_, i) => aKeyRow(`k${String(i).padStart(4, '0')}`))
  await insertKeys(store, ...rows, aKeyRow('s', { secret: new Uint8Array([1, 2]) }))
  await store.transaction((tx) => tx.update(KEY_TABLE, aKeyRow('k0007', { version: 2, body: '2' })))
  await store.transaction(async (tx) => {
    await tx.setSetting(LAST, 'the keys')
    await tx.setSetting('other', 'value')
    await tx.addOutbox('delivered')
    await tx.addOutbox('kept')
  })
  store.outboxDelivered([1])
  await store.raiseOutbox(9)
  return store
}

describe('a store that is copied', () => {
  test('is there as it was, with versions, settings and outbox, and can be used at last', async () => {
    const from = await filled()
    const to = openMemoryStore(tables)
    const told: number[] = []
    await from.snapshot(async (snapshot) => {
      assert.equal(await countRows(snapshot, tables), 1204)
      const how = { tables, lastSetting: LAST, onProgress: (rows: number) => told.push(rows) }
      assert.equal(await copyStore(snapshot, to, how), 1204)
      assert.equal(await to.setting(LAST), undefined)
      assert.equal(await to.setting(TRANSFER_SETTING), TRANSFER_BEGUN)
      await compareStores(snapshot, to, how)
      await completeTransfer(snapshot, to, LAST)
    })
    assert.deepEqual(told, [500, 1000, 1204, 500, 1000, 1204])
    assert.equal((await to.get(KEY_TABLE, [REGION, 'k0007']))?.version, 2)
    assert.equal(await to.setting(LAST), 'the keys')
    assert.equal(await to.setting('other'), 'value')
    assert.equal(await to.setting(TRANSFER_SETTING), TRANSFER_DONE)
    assert.deepEqual(await to.outbox(0, 10), [{ id: 2, frame: 'kept' }])
    assert.equal(await to.transaction((tx) => tx.addOutbox('next')), 10)
  })

  const changes: readonly (readonly [string, Partial<Row>])[] = [
    ['a version', { version: 3 }],
    ['a body', { body: 'another' }],
    ['a secret', { secret: new Uint8Array([1, 3]) }],
    ['a MAC', { mac: new Uint8Array([1, 2, 4]) }],
    ['a column', { columns: { ...aKeyRow('s').columns, deletion_date: 1 } }],
  ]
  for (const [what, change] of changes) {
    test(`is refused where ${what} has changed on the way`, async () => {
      const from = await filled()
      const spoiled: RowReader = {
        ...from,
        page: async (table, query) =>
          (await from.page(table, query)).map((row) =>
            row.key[1] === 's' ? { ...row, ...change } : row,
          ),
      }
      await assert.rejects(
        from.snapshot((snapshot) =>
          compareStores(snapshot, spoiled, { tables, onProgress: () => undefined }),
        ),
        (error) => {
          assert.ok(error instanceof IntegrityError)
          assert.match(error.message, /kms_key .*\/s did not arrive/)
          return true
        },
      )
    })
  }

  test('is refused where a row is missing, and where there is one more', async () => {
    const from = await filled()
    const other = await filled()
    await other.transaction((tx) => tx.delete(KEY_TABLE, [REGION, 's'], 1))
    const compare = { tables, onProgress: () => undefined }
    await assert.rejects(
      from.snapshot((snapshot) => compareStores(snapshot, other, compare)),
      /did not arrive/,
    )
    await assert.rejects(
      other.snapshot((snapshot) => compareStores(snapshot, from, compare)),
      /did not arrive|rows that were not there/,
    )
  })
})
