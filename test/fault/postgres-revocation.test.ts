import assert from 'node:assert/strict'
import { after, afterEach, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { GIVE_UP_MS } from '../../src/storage/postgres/lease.ts'
import type { PostgresStore } from '../../src/storage/postgres/postgres-store.ts'
import { parsePostgresUrl } from '../../src/storage/postgres/postgres-url.ts'
import { aKeyRow, insertKeys, KEY_TABLE } from '../contract/row-samples.ts'
import { openCuttingProxy } from '../support/cutting-proxy.ts'
import { NOT_OURS, startPostgres } from '../support/postgres-server.ts'
import { openSchema } from '../support/postgres-stores.ts'

const server = await startPostgres()
const { local } = server
const skip = local === undefined && NOT_OURS
const schema = await openSchema(server, 'revocation')
const proxy = await openCuttingProxy(local?.tcpPort ?? 0)
after(async () => {
  await proxy.close()
  await schema.close()
  await server.stop()
})

/** What a node would have in its caches: which version of the key it last read. */
interface Node {
  readonly store: PostgresStore
  readonly heard: Set<number>
  /** How often it dropped all that it had cached, and how often its operator was told so. */
  readonly forgot: { times: number; told: number }
  /** Resolves when it can never serve again. */
  readonly ended: Promise<Error>
}

const opened: Node[] = []
async function openNode(nodeId: string, throughProxy = false): Promise<Node> {
  const password = encodeURIComponent(local?.password ?? '')
  const url = `postgres://tester:${password}@127.0.0.1:${proxy.port}/postgres?schema=${schema.address.schema}`
  const heard = new Set<number>()
  const forgot = { times: 0, told: 0 }
  const { promise: ended, resolve: onEnd } = Promise.withResolvers<Error>()
  const store = await schema.open(nodeId, {
    ...(throughProxy && { address: parsePostgresUrl(url) }),
    onForgotten: () => forgot.told++,
    onEnd,
  })
  const node = { store, heard, forgot, ended }
  store.onCommit((news) => {
    if (news === 'everything') forgot.times++
    else for (const { epoch } of news) heard.add(epoch)
  })
  opened.push(node)
  return node
}
afterEach(async () => {
  proxy.isStuck = false
  proxy.isUp = true
  for (const { store } of opened.splice(0)) await store.close()
  await schema.empty()
})

const change = ({ store }: Node, version: number): Promise<void> =>
  store.transaction((tx) => tx.update(KEY_TABLE, aKeyRow('a', { version })))

describe('a change that has returned', { skip }, () => {
  test('has been heard of by every node that serves', async () => {
    const [one, two, three] = [
      await openNode('one'),
      await openNode('two'),
      await openNode('three'),
    ]
    await insertKeys(one.store, aKeyRow('a'))
    for (let version = 2; version <= 31; version++) {
      const node = [one, two, three][version % 3] ?? one
      await change(node, version)
      for (const { heard, store } of [one, two, three]) {
        assert.equal(store.lease?.isFresh(), true)
        assert.ok(heard.has(version), `epoch ${version}`)
      }
    }
  })

  test('waited for a node that is cut off, until that node served nothing more', async () => {
    const one = await openNode('one')
    const cutOff = await openNode('cut off', true)
    await insertKeys(one.store, aKeyRow('a'))
    assert.ok(cutOff.heard.has(1))
    proxy.isStuck = true
    const start = performance.now()
    await change(one, 2)
    assert.equal(cutOff.store.lease?.isFresh(), false)
    assert.equal(cutOff.heard.has(2), false)
    assert.ok(performance.now() - start > GIVE_UP_MS - 500)
    // Given up once, it is not waited for again.
    const again = performance.now()
    await change(one, 3)
    assert.ok(performance.now() - again < GIVE_UP_MS / 2)
    proxy.isStuck = false
    proxy.cut()
    assert.equal(await cutOff.store.lease?.whenFresh(10_000), true)
    assert.ok(cutOff.heard.has(2) && cutOff.heard.has(3))
  })

  test('does not wait for a node that has been closed', async () => {
    const one = await openNode('one')
    const other = await schema.open('other')
    await insertKeys(one.store, aKeyRow('a'))
    await other.close()
    const start = performance.now()
    await change(one, 2)
    assert.ok(performance.now() - start < GIVE_UP_MS / 2)
  })

  test('is heard of once by the node that made it', async () => {
    const one = await openNode('one')
    let told = 0
    one.store.onCommit(() => told++)
    await insertKeys(one.store, aKeyRow('a'))
    // Another node’s change makes this one read the feed, its own change in it.
    const two = await openNode('two')
    await change(two, 2)
    await delay(50)
    assert.equal(told, 2)
  })
})

describe('a node that was away for longer than the feed is kept', { skip }, () => {
  /** Waits until a node has seen its own changes in the feed, too: they do not make it read at once. */
  async function hasApplied(nodeId: string, epoch: number): Promise<void> {
    const query = `SELECT applied_epoch FROM "${schema.address.schema}".node WHERE node_id = $1 AND applied_epoch >= $2`
    while ((await schema.client.query(query, [nodeId, epoch])).rowCount === 0) await delay(20)
  }

  /** Cuts a node off, changes a key five times meanwhile, and forgets so many of the changes. */
  async function away(trimmed: number) {
    const one = await openNode('one')
    const back = await openNode('away', true)
    await insertKeys(one.store, aKeyRow('a'))
    proxy.isStuck = true
    for (let version = 2; version <= 6; version++) await change(one, version)
    await hasApplied('one', 6)
    await one.store.trimChanges(trimmed)
    assert.equal(back.store.lease?.isFresh(), false)
    assert.deepEqual(back.forgot, { times: 0, told: 0 })
    proxy.isStuck = false
    proxy.cut()
    assert.equal(await back.store.lease?.whenFresh(10_000), true)
    return { one, back }
  }

  test('drops what it had cached before it serves, tells of it, and hears of all that follows', async () => {
    const { one, back } = await away(3)
    assert.deepEqual(back.forgot, { times: 1, told: 1 })
    await change(one, 7)
    assert.ok(back.heard.has(7))
    await change(back, 8)
    assert.ok(one.heard.has(8))
    assert.deepEqual(back.forgot, { times: 1, told: 1 })
  })

  test('does so, too, where nothing of the feed is left', async () => {
    const { one, back } = await away(6)
    assert.deepEqual(back.forgot, { times: 1, told: 1 })
    await change(one, 7)
    assert.ok(back.heard.has(7))
  })

  test('keeps what it has where the feed still has all that it missed', async () => {
    const { back } = await away(1)
    assert.deepEqual(back.forgot, { times: 0, told: 0 })
    for (let epoch = 2; epoch <= 6; epoch++) assert.ok(back.heard.has(epoch), `epoch ${epoch}`)
  })
})

describe('a node that was forgotten while it was away', { skip }, () => {
  test('is known again when it is back, and drops what it had cached', async () => {
    const one = await openNode('one')
    const back = await openNode('away', true)
    await insertKeys(one.store, aKeyRow('a'))
    proxy.isStuck = true
    await change(one, 2)
    const name = schema.address.schema
    const { rowCount } = await schema.client.query(
      `DELETE FROM "${name}".node WHERE node_id = 'away' AND NOT live`,
    )
    assert.equal(rowCount, 1)
    proxy.isStuck = false
    proxy.cut()
    assert.equal(await back.store.lease?.whenFresh(10_000), true)
    assert.equal(back.forgot.times, 1)
    await change(one, 3)
    assert.ok(back.heard.has(3))
  })

  test('ends where the database has forgotten no more than its latest signs of life', async () => {
    const node = await openNode('one')
    const other = await openNode('away', true)
    await insertKeys(node.store, aKeyRow('a'))
    proxy.isStuck = true
    await change(node, 2)
    await schema.client.query(
      `UPDATE "${schema.address.schema}".node SET renewal = 1 WHERE node_id = 'away'`,
    )
    proxy.isStuck = false
    proxy.cut()
    // One more than that is no more than what it had said before.
    assert.match(String(await other.ended), /has forgotten signs of life of this node/)
    assert.equal(other.store.lease?.isFresh(), false)
  })
})

describe('a node whose database has gone back', { skip }, () => {
  test('ends, for its caches would not hear of what is committed from now on', async () => {
    const node = await openNode('one')
    await insertKeys(node.store, aKeyRow('a'))
    await change(node, 2)
    await change(await openNode('two'), 3)
    await schema.client.query(`UPDATE "${schema.address.schema}".counter SET value = 1`)
    assert.match(String(await node.ended), /has gone back from epoch 3 to 1, and acknowledged/)
    assert.equal(node.store.lease?.isFresh(), false)
  })
})
