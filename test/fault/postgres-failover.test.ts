import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type {
  PostgresStore,
  PostgresStoreOptions,
} from '../../src/storage/postgres/postgres-store.ts'
import { parsePostgresUrl } from '../../src/storage/postgres/postgres-url.ts'
import { aKeyRow, insertKeys, KEY_TABLE, REGION } from '../contract/row-samples.ts'
import { type CuttingProxy, openCuttingProxy } from '../support/cutting-proxy.ts'
import { NOT_OURS, type PostgresServer, startPostgres } from '../support/postgres-server.ts'
import { openSchema } from '../support/postgres-stores.ts'

const FOLLOWS_MS_MAX = 20_000

const exists = async (store: PostgresStore, keyId: string): Promise<boolean> =>
  (await store.get(KEY_TABLE, [REGION, keyId])) !== undefined

/** Waits until the standby has all that was committed, or something else is so of it. */
async function caughtUp(
  client: pg.Client,
  condition = 'replay_lsn >= pg_current_wal_lsn()',
): Promise<void> {
  const deadline = performance.now() + FOLLOWS_MS_MAX
  for (;;) {
    const { rows } = await client.query<{ is: boolean }>(
      `SELECT ${condition} AS is FROM pg_stat_replication`,
    )
    if (rows[0]?.is === true) return
    assert.ok(performance.now() < deadline, 'the standby follows')
    await delay(50)
  }
}

/** Stores of several nodes on a database of two servers. */
class Stores {
  readonly #schema: Awaited<ReturnType<typeof openSchema>>
  readonly #password: string
  readonly #opened: PostgresStore[] = []

  constructor(server: PostgresServer, schema: Awaited<ReturnType<typeof openSchema>>) {
    this.#schema = schema
    this.#password = encodeURIComponent(server.local?.password ?? '')
  }

  /** @param ports of the servers, in the order of the hosts' list */
  async open(nodeId: string, ports: readonly number[], more: Partial<PostgresStoreOptions> = {}) {
    const hosts = ports.map((port) => `127.0.0.1:${port}`).join()
    const { schema } = this.#schema.address
    const address = parsePostgresUrl(
      `postgres://tester:${this.#password}@${hosts}/postgres?schema=${schema}`,
    )
    const { promise: ended, resolve: onEnd } = Promise.withResolvers<Error>()
    const store = await this.#schema.open(nodeId, { address, onEnd, ...more })
    this.#opened.push(store)
    return { store, ended }
  }

  async close(): Promise<void> {
    for (const store of this.#opened) await store.close()
  }
}

async function keyIn(server: PostgresServer, keyId: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  try {
    const { rowCount } = await client.query('SELECT 1 FROM lost.kms_key WHERE key_id = $1', [keyId])
    return rowCount === 1
  } finally {
    await client.end()
  }
}

test('a switch-over that loses nothing: a node goes on, and uses nothing that it had read before', async (t) => {
  const server = await startPostgres()
  const { local } = server
  if (local === undefined) return t.skip(NOT_OURS)
  const schema = await openSchema(server, 'switched')
  const standby = await local.startStandby()
  const stores = new Stores(server, schema)
  try {
    const { store } = await stores.open('node', [local.tcpPort, standby.tcpPort])
    const news: string[] = []
    store.onCommit((changes) => {
      news.push(changes === 'everything' ? changes : String(changes.map(({ key }) => key[1])))
    })
    await insertKeys(store, aKeyRow('a'))
    await t.test('while its only synchronous standby is away nothing is served', async () => {
      await schema.client.query("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
      await schema.client.query('SELECT pg_reload_conf()')
      await caughtUp(schema.client, "sync_state = 'sync'")
      await standby.stop()
      let isDone = false
      const change = insertKeys(store, aKeyRow('waits')).then(() => (isDone = true))
      while (store.lease?.isFresh() === true) await delay(20)
      assert.equal(isDone, false)
      await standby.start()
      assert.equal(await change, true)
      assert.equal(await store.lease?.whenFresh(FOLLOWS_MS_MAX), true)
      // A node may hear of its own commit a second time, from the feed.
      assert.deepEqual([...new Set(news)], ['a', 'waits'])
    })
    await caughtUp(schema.client)
    // In peace: it sends all that it has first.
    const stopped = once(local.process(), 'exit')
    local.process().kill('SIGINT')
    await stopped
    const change = insertKeys(store, aKeyRow('b'))
    const read = store.get(KEY_TABLE, [REGION, 'a'])
    await standby.promote()
    await change
    assert.deepEqual((await read.catch(() => undefined))?.key ?? [REGION, 'a'], [REGION, 'a'])
    // Its lease may be of the old primary still.
    const deadline = performance.now() + FOLLOWS_MS_MAX
    while (!news.includes('everything') && performance.now() < deadline) await delay(20)
    assert.equal(await store.lease?.whenFresh(FOLLOWS_MS_MAX), true)
    assert.equal(news.filter((one) => one === 'everything').length, 1, news.join(' '))
    assert.equal(news[0], 'a')
    assert.ok(news.includes('b'))
    assert.equal(await exists(store, 'a'), true)
    assert.equal(await exists(store, 'b'), true)
    assert.equal(await store.epoch(), 3)
  } finally {
    await stores.close()
    await schema.close().catch(() => undefined)
    await server.stop()
  }
})

test('a fail-over that loses what was acknowledged, and a primary that comes back', async (t) => {
  const server = await startPostgres()
  const { local } = server
  if (local === undefined) return t.skip(NOT_OURS)
  const schema = await openSchema(server, 'lost')
  const standby = await local.startStandby()
  const [primary, second] = [local.tcpPort, standby.tcpPort]
  const proxies: CuttingProxy[] = []
  const proxyTo = async (port: number): Promise<CuttingProxy> => {
    const proxy = await openCuttingProxy(port)
    proxies.push(proxy)
    return proxy
  }
  const stores = new Stores(server, schema)
  try {
    const early = await stores.open('early', [primary, second])
    const moved = await proxyTo(primary)
    const byAddress = await stores.open('by-address', [moved.port])
    const [late, lateSecond] = [await proxyTo(primary), await proxyTo(second)]
    const cutOff = await stores.open('cut-off', [late.port, lateSecond.port])

    await insertKeys(early.store, aKeyRow('kept'))
    await caughtUp(schema.client)
    await standby.stop()
    // Waits for the others, so that they have given signs of life that the standby has not.
    await insertKeys(early.store, aKeyRow('lost'))
    assert.ok(await exists(cutOff.store, 'lost'))

    for (const proxy of [late, lateSecond]) {
      proxy.isUp = false
      proxy.cut()
    }
    local.process().kill('SIGKILL')
    await standby.start()
    await t.test('while no server takes writes, a start says what each of them said', () =>
      assert.rejects(
        stores.open('none', [primary, second]),
        /no server takes writes: 127\.0\.0\.1:\d+: .*ECONNREFUSED.*; 127\.0\.0\.1:\d+: the database takes no writes/,
      ),
    )
    await standby.promote()
    moved.target = second
    moved.cut()

    await t.test('nodes that saw what is lost end, write nothing more and say so', async () => {
      for (const { store, ended } of [early, byAddress]) {
        assert.match(String(await ended), /acknowledged changes/)
        assert.equal(store.lease?.isFresh(), false)
      }
      await assert.rejects(insertKeys(early.store, aKeyRow('more')), /has gone back from epoch/)
    })

    const fresh = await stores.open('fresh', [primary, second])
    await t.test('a node that is started anew goes on with what the new primary has', async () => {
      assert.equal(await exists(fresh.store, 'kept'), true)
      assert.equal(await exists(fresh.store, 'lost'), false)
      await insertKeys(fresh.store, aKeyRow('new-1'))
      await insertKeys(fresh.store, aKeyRow('new-2'))
    })

    await t.test('one that comes when there are as many changes again ends, too', async () => {
      const [before] = [await fresh.store.epoch()]
      assert.ok(before > 2, 'more than it saw')
      late.isUp = lateSecond.isUp = true
      assert.match(String(await cutOff.ended), /forgotten signs of life/)
      assert.equal(cutOff.store.lease?.isFresh(), false)
    })

    await local.start()
    await t.test('the old primary is not written to by who looks at both', async () => {
      const both = await stores.open('both', [primary, second])
      await insertKeys(both.store, aKeyRow('of-both'))
      assert.equal(await keyIn(server, 'of-both'), false)
      assert.equal(await exists(fresh.store, 'of-both'), true)
    })

    await t.test('nor by who has seen the new one, wherever the address leads', async () => {
      const { store } = await stores.open('by-address-again', [moved.port], { patienceMs: 1000 })
      assert.equal(await exists(store, 'of-both'), true)
      moved.target = primary
      moved.cut()
      const refused = /was the primary until another one took over/
      await assert.rejects(insertKeys(store, aKeyRow('split')), refused)
      await assert.rejects(store.get(KEY_TABLE, [REGION, 'kept']), refused)
      assert.equal(await keyIn(server, 'split'), false)
      moved.target = second
      moved.cut()
      await insertKeys(store, aKeyRow('whole'))
      assert.equal(await exists(fresh.store, 'whole'), true)
    })
  } finally {
    await stores.close()
    for (const proxy of proxies) await proxy.close()
    await schema.close().catch(() => undefined)
    await server.stop()
  }
})
