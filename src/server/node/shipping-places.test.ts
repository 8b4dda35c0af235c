import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TABLES } from '../../core/tables.ts'
import { openMemoryStore } from '../../storage/memory/memory-store.ts'
import { claimPlaces } from './shipping-places.ts'

const store = () => openMemoryStore(TABLES.map(({ schema }) => schema))
const A = 's3:s3.example/bucket/a'
const B = 's3:s3.example/bucket/b'
const taken = { name: 'OperatorError', message: /^the node one of this store ships to s3:/ }

describe('places that several nodes could ship to', () => {
  test('are one node’s each, again and again', async () => {
    const rows = store()
    await claimPlaces(rows, { nodeId: 'one', places: [A], known: [] })
    await claimPlaces(rows, { nodeId: 'one', places: [A], known: ['two'] })
    await claimPlaces(rows, { nodeId: 'two', places: [B], known: ['one'] })
    await assert.rejects(
      claimPlaces(rows, { nodeId: 'two', places: [B, A], known: ['one'] }),
      taken,
    )
    // What was refused has changed nothing.
    await assert.rejects(claimPlaces(rows, { nodeId: 'one', places: [B], known: ['two'] }), {
      message: /^the node two /,
    })
  })

  test('are free again when their node names others, or is forgotten', async () => {
    const rows = store()
    await claimPlaces(rows, { nodeId: 'one', places: [A], known: [] })
    await assert.rejects(claimPlaces(rows, { nodeId: 'two', places: [A], known: ['one'] }), taken)
    await claimPlaces(rows, { nodeId: 'one', places: [B], known: ['two'] })
    await claimPlaces(rows, { nodeId: 'two', places: [A], known: ['one'] })
    await claimPlaces(rows, { nodeId: 'three', places: [B], known: ['two'] })
  })

  test('are not folders: each machine has its own', async () => {
    const rows = store()
    for (const nodeId of ['one', 'two']) {
      await claimPlaces(rows, { nodeId, places: ['dir:/mnt/audit'], known: ['one', 'two'] })
    }
    assert.equal(await rows.setting('ship-places'), undefined)
  })
})
