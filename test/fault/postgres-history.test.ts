import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { GIVE_UP_MS } from '../../src/storage/postgres/lease.ts'
import type { PostgresStore } from '../../src/storage/postgres/postgres-store.ts'
import { parsePostgresUrl } from '../../src/storage/postgres/postgres-url.ts'
import { joinRowKey } from '../../src/storage/row-key.ts'
import { aKeyRow, changesOf, insertKeys, KEY_TABLE, REGION } from '../contract/row-samples.ts'
import { type CuttingProxy, openCuttingProxy } from '../support/cutting-proxy.ts'
import { NOT_OURS, startPostgres } from '../support/postgres-server.ts'
import { openSchema } from '../support/postgres-stores.ts'
import { type HistoryEvent, staleUses } from '../support/revocation-history.ts'

/** How long the nodes are disturbed; `STRONGROOM_HISTORY_SECONDS` makes it minutes. */
const SECONDS = Number(process.env['STRONGROOM_HISTORY_SECONDS'] ?? 8)
const SEED = Number(process.env['STRONGROOM_HISTORY_SEED'] ?? (Date.now() % 1_000_000) + 1)
const KEYS = ['a', 'b', 'c', 'd']
const PATIENCE_MS = 100
const NODES = ['one', 'two', 'three']
/** What the clients of each node do: a client that waits for a change uses nothing meanwhile. */
const CLIENTS = ['change', 'use', 'use', 'use'] as const

const server = await startPostgres()
const { local } = server
const skip = local === undefined && NOT_OURS
const schema = await openSchema(server, 'history')
after(async () => {
  await schema.close()
  await server.stop()
})

/** Numbers from 0 to 1 that depend on the seed alone. Source: Marsaglia, Xorshift RNGs. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** One node: its store behind a proxy of its own, and a cache as `RecordStore` keeps one. */
class CachingNode {
  readonly name: string
  readonly proxy: CuttingProxy
  readonly #store: PostgresStore
  readonly #minds: boolean
  readonly #cache = new Map<string, number>()
  #generation = 0

  constructor(name: string, proxy: CuttingProxy, store: PostgresStore, mindsLease: boolean) {
    this.name = name
    this.proxy = proxy
    this.#store = store
    this.#minds = mindsLease
    store.onCommit((news) => {
      this.#generation++
      for (const { table, key } of changesOf(news)) this.#cache.delete(joinRowKey(table, key))
    })
  }

  /** The version that a request which arrives now is judged by; undefined where it is refused. */
  async use(keyId: string): Promise<number | undefined> {
    if (this.#minds && this.#store.lease?.isFresh() !== true) return undefined
    const joined = joinRowKey(KEY_TABLE.name, [REGION, keyId])
    const held = this.#cache.get(joined)
    if (held !== undefined) return held
    const generation = this.#generation
    const version = (await this.#store.get(KEY_TABLE, [REGION, keyId]))?.version
    if (version !== undefined && generation === this.#generation) this.#cache.set(joined, version)
    return version
  }

  /** Resolves with the version that it made. */
  change(keyId: string): Promise<number> {
    return this.#store.transaction(async (tx) => {
      const version = ((await tx.get(KEY_TABLE, [REGION, keyId]))?.version ?? 0) + 1
      await tx.update(KEY_TABLE, aKeyRow(keyId, { version }))
      return version
    })
  }

  async close(): Promise<void> {
    this.proxy.isStuck = false
    this.proxy.isUp = true
    await this.#store.close()
    await this.proxy.close()
  }
}

async function openNodes(mindLease: boolean): Promise<readonly CachingNode[]> {
  await schema.empty()
  const password = encodeURIComponent(local?.password ?? '')
  return Promise.all(
    NODES.map(async (name) => {
      const proxy = await openCuttingProxy(local?.tcpPort ?? 0)
      const url = `postgres://tester:${password}@127.0.0.1:${proxy.port}/postgres?schema=history`
      const store = await schema.open(name, { address: parsePostgresUrl(url), patienceMs: 1500 })
      return new CachingNode(name, proxy, store, mindLease)
    }),
  )
}

/** Cuts, blocks and shuts off one node after the other until the time is over. */
async function disturb(
  nodes: readonly CachingNode[],
  random: () => number,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    await delay(100 + random() * 400)
    const { proxy } = nodes[Math.floor(random() * nodes.length)] ?? assert.fail()
    const what = random()
    if (what < 0.3) proxy.cut()
    else if (what < 0.8) {
      proxy.isStuck = true
      await delay(500 + random() * 5000)
      proxy.isStuck = false
      // What was swallowed is missing: nobody can go on with these connections.
      proxy.cut()
    } else {
      proxy.isUp = false
      proxy.cut()
      await delay(200 + random() * 3000)
      proxy.isUp = true
    }
  }
}

/** Blocks one node for longer than others wait for it. */
async function blockOne([node]: readonly CachingNode[]): Promise<void> {
  assert.ok(node)
  await delay(1000)
  node.proxy.isStuck = true
  await delay(GIVE_UP_MS + 3000)
  node.proxy.isStuck = false
  node.proxy.cut()
}

/** Changes or uses keys through one node until the time is over, and writes down what happened. */
async function callNode(
  node: CachingNode,
  what: (typeof CLIENTS)[number],
  random: () => number,
  isOver: () => boolean,
  history: HistoryEvent[],
): Promise<void> {
  while (!isOver()) {
    await delay(random() * (what === 'change' ? 60 : 4))
    const key = KEYS[Math.floor(random() * KEYS.length)] ?? assert.fail()
    const start = performance.now()
    try {
      if (what === 'change') {
        const version = await node.change(key)
        history.push({ type: 'change', node: node.name, key, version, end: performance.now() })
      } else {
        // A client that gets no answer asks for something else.
        const version = await Promise.race([node.use(key), delay(PATIENCE_MS)])
        if (version !== undefined)
          history.push({ type: 'use', node: node.name, key, version, start })
      }
    } catch {
      // Refused or unknown: it promised nothing.
    }
  }
}

type Disturb = typeof disturb

async function run(seconds: number, seed: number, mindLease: boolean, trouble: Disturb = disturb) {
  const nodes = await openNodes(mindLease)
  const history: HistoryEvent[] = []
  const random = randomOf(seed)
  try {
    await insertKeys(await firstStore(), ...KEYS.map((keyId) => aKeyRow(keyId)))
    const end = performance.now() + seconds * 1000
    const isOver = (): boolean => performance.now() > end
    const clients = nodes.flatMap((node) =>
      CLIENTS.map((what) => callNode(node, what, random, isOver, history)),
    )
    await Promise.all([trouble(nodes, random, isOver), ...clients])
  } finally {
    await Promise.all(nodes.map((node) => node.close()))
  }
  return history
}

/** A store that is not disturbed. */
const spare: PostgresStore[] = []
async function firstStore(): Promise<PostgresStore> {
  const store = await schema.open('spare')
  spare.push(store)
  return store
}
after(async () => {
  for (const store of spare) await store.close()
})

describe('three nodes that are cut off, blocked and let go again', { skip }, () => {
  test('use nothing that had been revoked, and lose nothing that was acknowledged', async (t) => {
    t.diagnostic(`STRONGROOM_HISTORY_SEED=${SEED}`)
    const history = await run(SECONDS, SEED, true)
    const acknowledged = new Map<string, number>()
    let [changes, uses] = [0, 0]
    for (const event of history) {
      if (event.type === 'use') uses++
      else {
        changes++
        acknowledged.set(event.key, Math.max(acknowledged.get(event.key) ?? 0, event.version))
      }
    }
    t.diagnostic(`${changes} changes returned, ${uses} uses were served`)
    assert.ok(changes > 5 && uses > 100)
    assert.deepEqual(staleUses(history), [])
    const store = await firstStore()
    for (const [keyId, version] of acknowledged) {
      const there = await store.get(KEY_TABLE, [REGION, keyId])
      assert.ok(there && there.version >= version, `${keyId}: ${there?.version} of ${version}`)
    }
    const seen = new Set<string>()
    for (const event of history) {
      if (event.type !== 'change') continue
      const made = `${event.key} ${event.version}`
      assert.ok(!seen.has(made), `${made} was acknowledged twice`)
      seen.add(made)
    }
  })

  test('are caught when one does not mind its lease', async (t) => {
    const history = await run(GIVE_UP_MS / 1000 + 4.5, SEED, false, blockOne)
    const stale = staleUses(history)
    t.diagnostic(
      `${stale.length} uses of what had been revoked, up to ${Math.round(Math.max(...stale.map(({ lateMs }) => lateMs)))} ms late`,
    )
    assert.ok(stale.length > 0)
  })
})

describe('the check of a history', () => {
  const change = (version: number, end: number | undefined): HistoryEvent => ({
    type: 'change',
    node: 'one',
    key: 'a',
    version,
    end,
  })
  const use = (version: number, start: number): HistoryEvent => ({
    type: 'use',
    node: 'two',
    key: 'a',
    version,
    start,
  })

  test('finds a use of what had been revoked when the request came', () => {
    assert.deepEqual(staleUses([change(2, 10), use(1, 12)]), [
      { node: 'two', key: 'a', used: 1, returned: 2, lateMs: 2 },
    ])
  })

  test('finds nothing wrong with a use that came before the reply, or that knew better', () => {
    assert.deepEqual(staleUses([use(1, 5), change(2, 10), use(1, 10), use(2, 11), use(3, 11)]), [])
  })

  test('takes a change that failed for no promise', () => {
    assert.deepEqual(staleUses([change(2, undefined), use(1, 12)]), [])
  })
})
