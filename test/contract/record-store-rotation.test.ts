import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { IntegrityError } from '../../src/core/errors.ts'
import type { RowStore } from '../../src/core/store.ts'
import { KEYS } from '../../src/core/tables.ts'
import { createRecordStore } from '../../src/storage/record-store.ts'
import { aKey, keyOf, setUp, TwoKeyGuard, tamper } from './record-store-fixture.ts'

/** A guard that does not know its second key until its process has been told. */
class LateGuard extends TwoKeyGuard {
  isTold = false

  override checkMac(...row: Parameters<TwoKeyGuard['checkMac']>): boolean {
    return this.knows(row[4]) && super.checkMac(...row)
  }

  override knows(mac: Uint8Array): boolean {
    return mac[0] === 0 || (this.isTold && super.knows(mac))
  }
}

/** Two processes on one store: one writes under a key that the other hears of with its next transaction, if it is made. */
async function twoProcesses() {
  const { rows, guard: writing, records: writer } = setUp()
  const guard = new LateGuard()
  let transactions = 0
  const heard: RowStore = Object.assign(Object.create(rows), {
    get: rows.get.bind(rows),
    page: rows.page.bind(rows),
    onCommit: rows.onCommit.bind(rows),
    async transaction() {
      transactions++
      guard.isTold = true
    },
  })
  const reader = createRecordStore({ rows: heard, guard, cacheRecords: 10 })
  await writer.transaction((tx) => tx.insert(KEYS, aKey(1)))
  writing.current = 1
  await writer.transaction((tx) => tx.insert(KEYS, aKey(2)))
  return { rows, reader, guard, transactions: () => transactions }
}

describe('a row under a key that this process has not heard of', () => {
  test('is read with the keys that the store has, by itself and in a page', async () => {
    const { reader, transactions } = await twoProcesses()
    assert.ok(await reader.find(KEYS, keyOf(1)))
    assert.equal(transactions(), 0)
    assert.ok(await reader.find(KEYS, keyOf(2)))
    assert.equal(transactions(), 1)
    const other = await twoProcesses()
    assert.equal((await other.reader.page(KEYS, { index: 'key', equals: [], limit: 9 })).length, 2)
    assert.equal(other.transactions(), 1)
  })

  test('is refused where the store has no such key either, and one that was altered at once', async () => {
    const { rows, reader, transactions } = await twoProcesses()
    const named = (key: number) => (mac: Uint8Array) => Uint8Array.of(key, ...mac.slice(1))
    await tamper(rows, keyOf(2), (row) => ({ ...row, mac: named(7)(row.mac) }))
    await assert.rejects(reader.find(KEYS, keyOf(2)), IntegrityError)
    assert.equal(transactions(), 1)
    await tamper(rows, keyOf(1), (row) => ({ ...row, body: row.body.replace('key 1', 'key 9') }))
    await assert.rejects(reader.find(KEYS, keyOf(1)), /was not written by Strongroom/)
    assert.equal(transactions(), 1)
  })

  test('is refused where the store cannot be asked, as what it is', async () => {
    const { rows, guard } = await twoProcesses()
    const deaf: RowStore = Object.assign(Object.create(rows), {
      get: rows.get.bind(rows),
      onCommit: rows.onCommit.bind(rows),
      transaction: () => Promise.reject(new Error('read-only')),
    })
    const reader = createRecordStore({ rows: deaf, guard, cacheRecords: 10 })
    await assert.rejects(reader.find(KEYS, keyOf(2)), /was not written by Strongroom/)
  })
})
