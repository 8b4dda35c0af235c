import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { NOT_OURS } from '../support/postgres-server.ts'
import { runStrongroom, startServer, temporaryFolder } from '../support/server-process.ts'
import { checkHistory, checkRecords } from './history-checker.ts'
import { type Principal, REGION } from './history-client.ts'
import { Cluster } from './history-cluster.ts'
import { HistoryNode } from './history-faults.ts'
import { Load } from './history-load.ts'
import { requestsIn } from './history-record.ts'
import { Play, STORIES } from './history-stories.ts'
import { SeededChoice } from './kill-nine-model.ts'

const SEED = Number(process.env['STRONGROOM_HISTORY_SEED'] ?? randomInt(2 ** 31))
const PACE = { writerMs: 40, userMs: 20, users: 3 }
/** A hanging worker is found after eight seconds. */
const FOUND_MS_MAX = 30_000

/** The process that has a worker's folder. */
const pidOf = (folder: string): number =>
  Number(readFileSync(join(folder, 'lock.pid'), 'utf8').trim())

async function metricsOf(endpoint: string): Promise<string> {
  const response = await fetch(`${endpoint}/-/metrics`, { headers: { Connection: 'close' } })
  assert.equal(response.status, 200)
  return response.text()
}

/** Waits until none of the processes is there. */
async function ended(pids: readonly number[]): Promise<void> {
  const deadline = performance.now() + FOUND_MS_MAX
  while (pids.some((pid) => existsSync(`/proc/${pid}`))) {
    assert.ok(performance.now() < deadline, 'the workers end')
    await delay(50)
  }
}

/** Waits until a worker was started again so often, and serves. */
async function restarted(endpoint: string, worker: number, times: number): Promise<void> {
  const deadline = performance.now() + FOUND_MS_MAX
  for (;;) {
    const metrics = await metricsOf(endpoint).catch(() => '')
    const isUp = metrics.includes(`strongroom_worker_up{worker="${worker}"} 1\n`)
    if (isUp && metrics.includes(`strongroom_worker_restarts{worker="${worker}"} ${times}\n`))
      return
    assert.ok(performance.now() < deadline, `worker ${worker} serves again\n${metrics}`)
    await delay(200)
  }
}

/** Whoever is scraped answers for both. */
async function assertMetricsOfBoth(endpoint: string): Promise<void> {
  const first = await metricsOf(endpoint)
  for (const worker of [1, 2]) {
    assert.match(first, new RegExp(`^strongroom_build_info{worker="${worker}",version=`, 'm'))
    assert.match(first, new RegExp(`^strongroom_worker_up{worker="${worker}"} 1$`, 'm'))
  }
  assert.equal(first.match(/^# TYPE strongroom_build_info gauge$/gm)?.length, 1)
}

interface Workers {
  /** The process that was started, with the data folder. */
  readonly nodes: readonly HistoryNode[]
  readonly root: Principal
  stopNodes(): Promise<void>
  recordsByRequest(folders: readonly string[]): Promise<ReadonlyMap<string, number>>
  close(): Promise<void>
}

const FLAGS = ['--workers', '2']
const STORES: Readonly<Record<string, () => Promise<Workers | undefined>>> = {
  'one file': async () => {
    const folder = temporaryFolder()
    const flags = [...FLAGS, '--region', REGION, '--log-level', 'error']
    const node = new HistoryNode(folder, () => startServer({ dataFolder: folder, flags }))
    await node.start()
    const root = node.process?.credentials
    assert.ok(root)
    return {
      nodes: [node],
      root,
      stopNodes: async () => node.process?.stop(),
      recordsByRequest: (folders) => requestsIn(folders, []),
      close: () => node.kill(),
    }
  },
  PostgreSQL: () => Cluster.start({ nodes: 1, hasLease: true, flags: FLAGS }),
}

// Each waits most of the time, for what hangs to be found.
describe('two workers serve as one: one is killed, one hangs, and nothing is lost', {
  concurrency: true,
}, () => {
  for (const [name, start] of Object.entries(STORES)) {
    test(`on ${name}`, (t) => killOneAndHangOne(t, start))
  }
})

async function killOneAndHangOne(
  t: TestContext,
  start: () => Promise<Workers | undefined>,
): Promise<void> {
  const cluster = await start()
  if (cluster === undefined) return t.skip(NOT_OURS)
  t.diagnostic(`STRONGROOM_HISTORY_SEED=${SEED}`)
  try {
    const [node] = cluster.nodes
    assert.ok(node)
    const folders = [node.folder, join(node.folder, 'workers', '2')]
    const [one, two] = folders.map(pidOf)
    assert.ok(one !== undefined && two !== undefined && one !== two)
    const endpoint = node.endpoint()
    await assertMetricsOfBoth(endpoint)
    let isOver = false
    const choice = new SeededChoice(SEED)
    using load = new Load({ endpoints: [() => endpoint], root: cluster.root, choice })
    const plays = Object.values(STORIES).map((story) => new Play(load, story))
    const running = Promise.all(plays.map((play) => play.run(PACE, () => isOver)))
    await Promise.all(plays.map(({ hasBegun }) => hasBegun))
    process.kill(two, 'SIGKILL')
    await restarted(endpoint, 2, 1)
    process.kill(one, 'SIGSTOP')
    const hangsFromMs = performance.now()
    await restarted(endpoint, 1, 1)
    const foundMs = performance.now() - hangsFromMs
    await delay(1000)
    isOver = true
    await running
    for (const { subjects } of plays) for (const subject of subjects) await subject.use()
    const during = load.history.filter(
      ({ startMs, endMs, outcome }) =>
        startMs > hangsFromMs && endMs < hangsFromMs + foundMs && outcome === 'done',
    )
    t.diagnostic(`found after ${foundMs.toFixed(0)} ms; ${during.length} calls done meanwhile`)
    assert.notEqual(during.length, 0, 'the other worker goes on')

    const search = ['audit', 'search', '--data', node.folder, '--limit', '100000', '--json']
    const searched = await runStrongroom(search)
    assert.equal(searched.exitCode, 0, searched.stderr)

    await cluster.stopNodes()
    const records = await cluster.recordsByRequest(folders)
    const violations = [...checkHistory(load.history), ...checkRecords(load.history, records)]
    assert.deepEqual(violations.slice(0, 20), [])
    assert.ok(load.history.filter(({ outcome }) => outcome === 'done').length > 300)

    // One question is answered from both logs.
    const found = new Set(searched.stdout.match(/(?<="requestID":")[^"]+/g))
    for (const folder of folders) {
      const own: readonly string[] = [...(await cluster.recordsByRequest([folder])).keys()]
      assert.ok(own.length > 0, `${folder} has served`)
      assert.deepEqual(own.filter((id) => !found.has(id)).slice(0, 5), [], `found, of ${folder}`)
    }

    // Whoever watches them is killed: they do not stay behind.
    await node.start()
    const left = folders.map(pidOf)
    const supervisor = node.process?.pid ?? 0
    assert.ok(!left.includes(supervisor))
    process.kill(supervisor, 'SIGKILL')
    await ended(left)
  } finally {
    await cluster.close()
  }
}

describe('--workers is refused', () => {
  const refused = async (flags: readonly string[], exitCode: number, text: RegExp) => {
    const run = await runStrongroom(['start', '--data', temporaryFolder(), ...flags])
    assert.equal(run.exitCode, exitCode, run.stderr)
    assert.match(run.stderr, text)
  }

  test('with no worker, or more than a machine has', async () => {
    await refused(['--workers', '0'], 2, /--workers <number> must be a whole number from 1 to 256/)
    await refused(['--workers', 'many'], 2, /must be a whole number/)
  })

  test('with a flag that is for one start', () =>
    refused(['--workers', '2', '--accept-audit-damage'], 2, /for one start of one process/))

  test('and so is a worker that nobody watches', () =>
    refused(['--worker', '2'], 1, /started by strongroom start --workers/))

  test('when a worker does not start: all end, with the reason', () =>
    refused(
      ['--workers', '2', '--port', '0', '--store', 'postgres://nobody@127.0.0.1:1/none'],
      1,
      /worker 1 did not start/,
    ))
})
