import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { NOT_OURS } from '../support/postgres-server.ts'
import { checkHistory, checkRecords, type HistoryEntry } from './history-checker.ts'
import { Cluster } from './history-cluster.ts'
import { Load } from './history-load.ts'
import { Play, STORIES } from './history-stories.ts'
import { SeededChoice } from './kill-nine-model.ts'

const SEED = Number(process.env['STRONGROOM_HISTORY_SEED'] ?? randomInt(2 ** 31))
const PACE = { writerMs: 40, userMs: 20, users: 3 }
const GOES_ON_MS_MAX = 30_000

async function ask(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + GOES_ON_MS_MAX
  while (!(await isSo())) {
    assert.ok(performance.now() < deadline, what)
    await delay(50)
  }
}

/** From now on the primary acknowledges what the standby has on its disk, and nothing else. */
async function makeSynchronous(url: string): Promise<void> {
  await ask(url, "ALTER SYSTEM SET synchronous_standby_names = 'standby'")
  await ask(url, 'SELECT pg_reload_conf()')
  await until('the standby is synchronous', async () => {
    const [row] = await ask(url, 'SELECT sync_state FROM pg_stat_replication')
    return row?.['sync_state'] === 'sync'
  })
}

/** Whether a change that began after `fromMs` was answered by this node. */
const changedAt = (history: readonly HistoryEntry[], node: number, fromMs: number): boolean =>
  history.some(
    ({ call, startMs, outcome, writes }) =>
      startMs > fromMs && outcome === 'done' && writes && call.includes(`at node ${node} `),
  )

const countOf = (history: readonly HistoryEntry[], outcome: string): number =>
  history.filter((entry) => entry.outcome === outcome).length

test('the database fails over to a synchronous standby: nodes go on there, and nothing is lost', async (t) => {
  const cluster = await Cluster.start({ nodes: 2, hasLease: true, hasStandby: true })
  if (cluster === undefined) return t.skip(NOT_OURS)
  t.diagnostic(`STRONGROOM_HISTORY_SEED=${SEED}`)
  let isOver = false
  let running: Promise<unknown> = Promise.resolve()
  try {
    const { standby, database, nodes } = cluster
    assert.ok(standby && database.local)
    await makeSynchronous(database.url)
    using load = new Load({
      endpoints: nodes.map((node) => () => node.endpoint()),
      root: cluster.root,
      choice: new SeededChoice(SEED),
    })
    const { state, userPolicy, grant, description } = STORIES
    const plays = [state, userPolicy, grant, description].map((story) => new Play(load, story))
    running = Promise.all(plays.map((play) => play.run(PACE, () => isOver)))
    await Promise.all(plays.map(({ hasBegun }) => hasBegun))
    await delay(500)

    const killedMs = performance.now()
    database.local.process().kill('SIGKILL')
    await standby.promote()
    const promotedMs = performance.now()
    await until('both nodes change things at the new primary', () =>
      [0, 1].every((node) => changedAt(load.history, node, promotedMs)),
    )
    const onMs = performance.now()
    const failed = countOf(load.history, 'unknown')
    t.diagnostic(
      `promoted after ${(promotedMs - killedMs).toFixed(0)} ms, both nodes go on ${(onMs - promotedMs).toFixed(0)} ms later; ${failed} calls got no answer meanwhile`,
    )

    // The old primary comes back and knows nothing of all that; the hosts' list has it first.
    await database.local.start()
    const [row] = await ask(database.url, 'SELECT pg_is_in_recovery() AS is_standby')
    assert.equal(row?.['is_standby'], false)
    await nodes[0]?.process?.stop()
    await nodes[0]?.start()
    const backMs = performance.now()
    await until('the node that was started again goes on, and the other one, too', () =>
      [0, 1].every((node) => changedAt(load.history, node, backMs)),
    )
    await delay(500)
    isOver = true
    await running
    for (const { subjects } of plays) {
      for (const subject of subjects) for (const node of [0, 1]) await subject.use(node)
    }
    await cluster.stopNodes()
    const records = await cluster.recordsByRequest(nodes.map(({ folder }) => folder))
    const violations = [...checkHistory(load.history), ...checkRecords(load.history, records)]
    assert.deepEqual(violations.slice(0, 20), [])
    t.diagnostic(
      `${countOf(load.history, 'done')} calls done, ${countOf(load.history, 'unknown')} without an answer`,
    )
  } finally {
    isOver = true
    await running.catch(() => undefined)
    await cluster.close()
  }
})
