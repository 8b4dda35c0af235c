import assert from 'node:assert/strict'
import { randomInt, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { FrameWriter } from '../../src/audit/event.ts'
import { NOT_OURS } from '../support/postgres-server.ts'
import { runStrongroom } from '../support/server-process.ts'
import { Balancer } from './balancer.ts'
import { checkHistory, checkRecords, type HistoryEntry } from './history-checker.ts'
import { Cluster } from './history-cluster.ts'
import { Load } from './history-load.ts'
import { Play, STORIES } from './history-stories.ts'
import { SeededChoice } from './kill-nine-model.ts'

const SEED = Number(process.env['STRONGROOM_HISTORY_SEED'] ?? randomInt(2 ** 31))
const PACE = { writerMs: 40, userMs: 20, users: 3 }
/** Many times as long as the balancer takes to ask every node. */
const DRAIN = ['--drain', '2']
const READY_MS_MAX = 20_000
const NEWER = {
  NODE_OPTIONS: `--import=${new URL('../support/newer-version.ts', import.meta.url).href}`,
}

/** What nodes of a newer version may write and older ones know nothing of: another kind of entity, and its place in the feed. */
async function writeAsNewer(client: pg.Client): Promise<void> {
  await client.query(`BEGIN;
    SELECT value FROM counter WHERE name = 'epoch' FOR UPDATE;
    INSERT INTO newer_thing (thing_id, version, body, mac) VALUES ('${randomUUID()}', 1, '{}', '');
    INSERT INTO change SELECT value + 1, 0, 'newer_thing', '["x","y","z"]' FROM counter WHERE name = 'epoch';
    UPDATE counter SET value = value + 1 WHERE name = 'epoch';
    COMMIT`)
}

/** An audit frame that a node of a newer version has left in its outbox, with members that older ones know nothing of. */
async function leaveFrame(client: pg.Client, nodeId: string): Promise<string> {
  const requestId = randomUUID()
  const frame = new FrameWriter().serviceEvent({
    eventId: randomUUID(),
    // Brands without parsing: this is a frame of the tests' own.
    time: Date.now() as never,
    accountId: '111122223333',
    region: 'eu-central-1',
    eventSource: 'kms.amazonaws.com',
    eventName: 'NewerThing',
    resources: [],
    serviceEventDetailsJson: '{"newer":[{"a":null}]}',
    ownCall: { requestId, responseElementsJson: 'null' },
  })
  const further = frame.replace('"internal":{', '"newer":[1,{"b":"}"}],"internal":{"newer":[],')
  await client.query(
    `INSERT INTO outbox (node_id, id, frame) SELECT node_id, outbox_id + 1, $2 FROM writer WHERE node_id = $1`,
    [nodeId, further],
  )
  await client.query('UPDATE writer SET outbox_id = outbox_id + 1 WHERE node_id = $1', [nodeId])
  return requestId
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + READY_MS_MAX
  while (!isSo()) {
    assert.ok(performance.now() < deadline, what)
    await delay(20)
  }
}

function assertNothingLost(history: readonly HistoryEntry[], balancer: Balancer): void {
  assert.deepEqual(balancer.failures, [], 'every request was passed to a node and answered by it')
  const lost = history.filter(({ outcome }) => outcome === 'unknown')
  assert.deepEqual(lost, [], 'every request was answered, and none by an error of the service')
  assert.deepEqual(checkHistory(history).slice(0, 20), [])
}

/** Takes a node out of service and starts it in another version. */
async function replace(
  { cluster, balancer, client }: { cluster: Cluster; balancer: Balancer; client: pg.Client },
  at: number,
  env: Readonly<Record<string, string>>,
  meanwhile?: () => Promise<void>,
): Promise<void> {
  const node = cluster.nodes[at]
  const farewells = balancer.farewellsOf(at)
  await node?.process?.stop()
  assert.equal(balancer.farewellsOf(at), farewells + 1, 'it said that it was leaving')
  await meanwhile?.()
  await node?.start(env)
  await until('the balancer takes it in again', () => balancer.isReady(at))
  await writeAsNewer(client)
}

/** The older version is taken for the newer one on every node, and then once more on the first. @returns the request id of a record that the newer version left to the older */
async function upgradeAndBack(parts: { cluster: Cluster; balancer: Balancer; client: pg.Client }) {
  const { cluster, client } = parts
  const migrated = await runStrongroom(['migrate'], { env: { ...cluster.env[0], ...NEWER } })
  assert.equal(migrated.exitCode, 0, migrated.stderr)
  const newest = await client.query('SELECT name FROM migration ORDER BY number DESC LIMIT 1')
  assert.deepEqual(newest.rows, [{ name: 'newer' }])
  await writeAsNewer(client)
  await replace(parts, 0, NEWER)
  await replace(parts, 1, NEWER)
  const nodeId = readFileSync(join(cluster.nodes[0]?.folder ?? '', 'node-id'), 'utf8').trim()
  let left = ''
  await replace(parts, 0, {}, async () => {
    left = await leaveFrame(client, nodeId)
  })
  return left
}

test('a rolling upgrade, and one back, loses no request of clients behind a balancer', async (t) => {
  const cluster = await Cluster.start({ nodes: 2, hasLease: true, flags: DRAIN })
  if (cluster === undefined) return t.skip(NOT_OURS)
  t.diagnostic(`STRONGROOM_HISTORY_SEED=${SEED}`)
  const client = new pg.Client({ connectionString: cluster.databaseUrl })
  const balancer = await Balancer.open(cluster.nodes.map((node) => () => node.endpoint()))
  let isOver = false
  let running: Promise<unknown> = Promise.resolve()
  try {
    await client.connect()
    await client.query('SET search_path TO history')
    const choice = new SeededChoice(SEED)
    const endpoints = [() => balancer.endpoint]
    using load = new Load({ endpoints, root: cluster.root, choice })
    const { state, grant, description } = STORIES
    const plays = [state, grant, description].map((story) => new Play(load, story))
    running = Promise.all(plays.map((play) => play.run(PACE, () => isOver)))
    await Promise.all(plays.map(({ hasBegun }) => hasBegun))
    const left = await upgradeAndBack({ cluster, balancer, client })
    isOver = true
    await running
    assertNothingLost(load.history, balancer)
    await cluster.stopNodes()
    const records = await cluster.recordsByRequest(cluster.nodes.map(({ folder }) => folder))
    assert.deepEqual(checkRecords(load.history, records).slice(0, 20), [])
    assert.equal(records.get(left), 1, 'the older version has the record that the newer one left')
    const done = load.history.filter(({ outcome }) => outcome === 'done').length
    t.diagnostic(`${done} calls done of ${load.history.length}, none lost`)
    assert.ok(done > 300)
  } finally {
    isOver = true
    await running.catch(() => undefined)
    await balancer.close()
    await client.end()
    await cluster.close()
  }
})
