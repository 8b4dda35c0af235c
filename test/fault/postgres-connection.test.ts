import assert from 'node:assert/strict'
import { after, afterEach, describe, test } from 'node:test'
import { DependencyError } from '../../src/core/errors.ts'
import type { OutboxEntry } from '../../src/core/store.ts'
import type { PostgresStore } from '../../src/storage/postgres/postgres-store.ts'
import { parsePostgresUrl } from '../../src/storage/postgres/postgres-url.ts'
import { aKeyRow, insertKeys, KEY_TABLE, REGION } from '../contract/row-samples.ts'
import { onCommit, openCuttingProxy } from '../support/cutting-proxy.ts'
import { NOT_OURS, startPostgres } from '../support/postgres-server.ts'
import { openSchema } from '../support/postgres-stores.ts'

const server = await startPostgres()
const { local } = server
const skip = local === undefined && NOT_OURS
const schema = await openSchema(server, 'connection')
const proxy = await openCuttingProxy(local?.tcpPort ?? 0)
after(async () => {
  await proxy.close()
  await schema.close()
  await server.stop()
})

const opened: PostgresStore[] = []
afterEach(async () => {
  proxy.judge = () => 'pass'
  proxy.isUp = true
  proxy.isStuck = false
  for (const store of opened.splice(0)) await store.close()
})

/** A store whose every byte goes through the proxy. */
async function openThroughProxy(
  more: Parameters<typeof schema.open>[1] = {},
): Promise<PostgresStore> {
  await schema.empty()
  const password = encodeURIComponent(local?.password ?? '')
  const address = parsePostgresUrl(
    `postgres://tester:${password}@127.0.0.1:${proxy.port}/postgres?schema=${schema.address.schema}`,
  )
  const store = await schema.open('node', { address, ...more })
  opened.push(store)
  return store
}

const insertCounting = (store: PostgresStore, counter: { runs: number }, before?: () => void) =>
  store.transaction(async (tx) => {
    counter.runs++
    before?.()
    await tx.insert(KEY_TABLE, aKeyRow('a'))
    return tx.addOutbox('frame')
  })

/** One row, one epoch, one frame: the change happened exactly once. */
async function assertOnce(store: PostgresStore): Promise<void> {
  assert.deepEqual(await store.get(KEY_TABLE, [REGION, 'a']), aKeyRow('a'))
  assert.equal(await store.epoch(), 1)
  assert.equal((await store.changesSince(0, 10)).length, 1)
  assert.deepEqual(await store.outbox(0, 10), [{ id: 1, frame: 'frame' }])
}

describe('a connection that is lost', { skip }, () => {
  test('in the middle of a transaction: the work runs again, and happens once', async () => {
    const store = await openThroughProxy()
    const counter = { runs: 0 }
    const cutOnce = (): void => {
      if (counter.runs === 1) proxy.cut()
    }
    assert.equal(await insertCounting(store, counter, cutOnce), 1)
    assert.equal(counter.runs, 2)
    await assertOnce(store)
  })

  test('with the COMMIT: it did not happen, so the work runs again', async () => {
    const store = await openThroughProxy()
    const counter = { runs: 0 }
    onCommit(proxy, 'lose')
    await insertCounting(store, counter)
    assert.equal(counter.runs, 2)
    await assertOnce(store)
  })

  test('with the answer to the COMMIT: it happened, and is not done twice', async () => {
    const store = await openThroughProxy()
    const counter = { runs: 0 }
    const told: number[] = []
    store.onCommit((changes) => told.push(changes.length))
    onCommit(proxy, 'lose answer')
    await insertCounting(store, counter)
    assert.equal(counter.runs, 1)
    assert.deepEqual(told, [1])
    await assertOnce(store)
  })

  test('under a read: it is asked again', async () => {
    const store = await openThroughProxy()
    await insertKeys(store, aKeyRow('a'))
    await store.get(KEY_TABLE, [REGION, 'a'])
    proxy.cut()
    assert.equal((await store.get(KEY_TABLE, [REGION, 'a']))?.version, 1)
  })

  test('for good, before the COMMIT: the change is refused, and is not there', async () => {
    const store = await openThroughProxy({ patienceMs: 300 })
    onCommit(proxy, 'lose', () => {
      proxy.isUp = false
    })
    await assert.rejects(insertCounting(store, { runs: 0 }), (error) => {
      assert.ok(error instanceof DependencyError)
      return true
    })
    await assert.rejects(store.get(KEY_TABLE, [REGION, 'a']), /could not be reached/)
    proxy.isUp = true
    assert.equal(await store.get(KEY_TABLE, [REGION, 'a']), undefined)
    await insertCounting(store, { runs: 0 })
    await assertOnce(store)
  })

  test('for long, with the answer: nobody knows; then the frames of what happened are told', async () => {
    const late = Promise.withResolvers<readonly OutboxEntry[]>()
    const store = await openThroughProxy({ patienceMs: 300, onLateCommit: late.resolve })
    const told: number[] = []
    store.onCommit((changes) => told.push(changes.length))
    onCommit(proxy, 'lose answer', () => {
      proxy.isUp = false
    })
    await assert.rejects(
      insertCounting(store, { runs: 0 }),
      /not known whether the change was made/,
    )
    // Caches forget the row at once: it may be another one now. The feed may have told of it as well.
    assert.ok(told.length >= 1)
    proxy.isUp = true
    assert.deepEqual(await late.promise, [{ id: 1, frame: 'frame' }])
    assert.ok(told.length >= 2)
    await assertOnce(store)
  })
})

describe('a server', { skip }, () => {
  test('that crashes and comes back loses nothing, and a change waits for it', async () => {
    const store = await openThroughProxy()
    await insertKeys(store, aKeyRow('before'))
    await local?.crash()
    const change = insertKeys(store, aKeyRow('during'))
    await local?.start()
    await change
    assert.equal(await store.count(KEY_TABLE, { index: 'key', equals: [], atMost: 10 }), 2)
    assert.equal(await store.epoch(), 2)
    // The client that prepares the tests lost its connection, too.
    await schema.reconnect()
  })

  test('that may not be written to is refused as a standby', async () => {
    await schema.client.query('ALTER ROLE tester SET default_transaction_read_only = on')
    try {
      await assert.rejects(schema.open('node'), /is a standby/)
    } finally {
      await schema.client.query('ALTER ROLE tester RESET default_transaction_read_only')
    }
  })
})
