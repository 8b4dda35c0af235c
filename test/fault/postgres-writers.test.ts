import assert from 'node:assert/strict'
import { after, afterEach, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { DependencyError, IntegrityError } from '../../src/core/errors.ts'
import { Connections } from '../../src/storage/postgres/connections.ts'
import { LOCK_EPOCH } from '../../src/storage/postgres/feed-sql.ts'
import type { PostgresStore } from '../../src/storage/postgres/postgres-store.ts'
import { aKeyRow, insertKeys, KEY_TABLE, REGION } from '../contract/row-samples.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { openSchema } from '../support/postgres-stores.ts'

const server = await startPostgres()
const schema = await openSchema(server, 'writers')
after(async () => {
  await schema.close()
  await server.stop()
})

const opened: PostgresStore[] = []
const open = async (nodeId: string): Promise<PostgresStore> => {
  const store = await schema.open(nodeId)
  opened.push(store)
  return store
}
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
  await schema.empty()
})

/** Increments a number that all nodes share, reading it first. */
const increment = (store: PostgresStore, name: string): Promise<number> =>
  store.transaction(async (tx) => {
    const value = Number((await tx.setting(name)) ?? '0') + 1
    await tx.setSetting(name, String(value))
    await tx.insert(KEY_TABLE, aKeyRow(`${name}-${value}`))
    return value
  })

describe('nodes that write to one store', () => {
  test('see each other’s changes inside their transactions: no update is lost', async () => {
    const nodes = [await open('one'), await open('two'), await open('three')]
    const results = await Promise.all(
      Array.from({ length: 90 }, (_, i) => increment(nodes[i % 3] ?? assert.fail(), 'n')),
    )
    assert.deepEqual(
      results.toSorted((a, b) => a - b),
      Array.from({ length: 90 }, (_, i) => i + 1),
    )
  })

  test('leave a feed without gaps, whenever it is read', async () => {
    const nodes = [await open('one'), await open('two'), await open('three')]
    const reader = await open('reader')
    const writing = { isOver: false }
    let applied = 0
    const follow = async (): Promise<void> => {
      while (!writing.isOver || applied < (await reader.epoch())) {
        for (const { epoch } of await reader.changesSince(applied, 5)) {
          // Each epoch is one change here: one that came later than a greater one would be missed.
          assert.equal(epoch, applied + 1)
          applied = epoch
        }
      }
    }
    const following = follow()
    await Promise.all(
      Array.from({ length: 150 }, (_, i) => increment(nodes[i % 3] ?? assert.fail(), `n${i % 5}`)),
    )
    writing.isOver = true
    await following
    assert.equal(applied, 150)
  })

  test('have an outbox of their own each', async () => {
    const one = await open('one')
    const two = await open('two')
    const ids = await Promise.all([
      one.transaction((tx) => tx.addOutbox('of one')),
      two.transaction((tx) => tx.addOutbox('of two')),
    ])
    assert.deepEqual(ids, [1, 1])
    assert.deepEqual(await one.outbox(0, 10), [{ id: 1, frame: 'of one' }])
    assert.deepEqual(await two.outbox(0, 10), [{ id: 1, frame: 'of two' }])
    one.outboxDelivered([1])
    await insertKeys(one, aKeyRow('a'))
    assert.deepEqual(await one.outbox(0, 10), [])
    assert.deepEqual(await two.outbox(0, 10), [{ id: 1, frame: 'of two' }])
  })

  test('of one id: the later one writes, the earlier one never again', async () => {
    const earlier = await open('one')
    await insertKeys(earlier, aKeyRow('a'))
    const later = await open('one')
    await assert.rejects(insertKeys(earlier, aKeyRow('b')), /another process runs under the id/)
    await assert.rejects(insertKeys(earlier, aKeyRow('b')), DependencyError)
    assert.equal((await earlier.get(KEY_TABLE, [REGION, 'a']))?.version, 1)
    await insertKeys(later, aKeyRow('b'))
    assert.equal(await later.epoch(), 2)
  })

  test('take over the frames of one that has been silent for long, and it writes nothing more', async () => {
    const gone = await open('gone')
    await gone.transaction(async (tx) => {
      await tx.addOutbox('delivered')
      await tx.addOutbox('left behind')
    })
    gone.outboxDelivered([1])
    await insertKeys(gone, aKeyRow('a'))
    const heir = await schema.open('heir', { adoptAfterMs: 300 })
    opened.push(heir)
    const own = await heir.transaction((tx) => tx.addOutbox('own'))
    // As if it had been killed: it gives no more signs of life.
    await schema.client.query(
      `UPDATE "${schema.address.schema}".node SET incarnation = incarnation + 1 WHERE node_id = 'gone'`,
    )
    while (gone.lease?.isFresh() === true) await delay(20)
    assert.deepEqual(await heir.adoptOutboxes(), [])
    await delay(350)
    assert.deepEqual(await heir.adoptOutboxes(), [{ id: own + 1, frame: 'left behind' }])
    assert.deepEqual(await gone.outbox(0, 10), [])
    assert.equal((await heir.outbox(0, 10)).length, 2)
    assert.deepEqual(await heir.adoptOutboxes(), [])
    await assert.rejects(insertKeys(gone, aKeyRow('b')), /another process runs under the id/)
    const back = await open('gone')
    assert.equal(await back.transaction((tx) => tx.addOutbox('again')), 3)
  })

  test('do not wait for ever for one that stands still in a transaction', async () => {
    const store = await open('one')
    const connections = new Connections(schema.address)
    const still = await connections.openSession()
    try {
      await still.query('BEGIN')
      await still.query(LOCK_EPOCH, [])
      await insertKeys(store, aKeyRow('a'))
      await assert.rejects(still.query('COMMIT'))
      assert.equal(await store.epoch(), 1)
    } finally {
      await still.close()
      await connections.close()
    }
  })

  test('stop at a database that has lost what it acknowledged', async () => {
    const store = await open('one')
    await insertKeys(store, aKeyRow('a'))
    await insertKeys(store, aKeyRow('b'))
    await schema.client.query(`UPDATE "${schema.address.schema}".counter SET value = 1`)
    await assert.rejects(insertKeys(store, aKeyRow('c')), /has gone back from epoch 2 to 1/)
    await assert.rejects(insertKeys(store, aKeyRow('c')), IntegrityError)
    assert.equal(await store.get(KEY_TABLE, [REGION, 'c']), undefined)
  })
})
