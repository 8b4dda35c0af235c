import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { NOT_OURS } from '../support/postgres-server.ts'
import { checkHistory, checkRecords } from './history-checker.ts'
import { Cluster } from './history-cluster.ts'
import { Load } from './history-load.ts'
import { Play, STORIES } from './history-stories.ts'
import { SeededChoice } from './kill-nine-model.ts'

const SEED = Number(process.env['STRONGROOM_HISTORY_SEED'] ?? randomInt(2 ** 31))
const RESTARTED_MS_MAX = 120_000
const PACE = { writerMs: 40, userMs: 20, users: 3 }

test('workers that are restarted one after the other lose no request', async (t) => {
  const flags = ['--workers', '2', '--drain', '2', '--log-level', 'info']
  const cluster = await Cluster.start({ nodes: 1, hasLease: true, flags })
  if (cluster === undefined) return t.skip(NOT_OURS)
  t.diagnostic(`STRONGROOM_HISTORY_SEED=${SEED}`)
  let isOver = false
  let running: Promise<unknown> = Promise.resolve()
  try {
    const [node] = cluster.nodes
    const server = node?.process
    assert.ok(node && server)
    const folders = [node.folder, join(node.folder, 'workers', '2')]
    const pids = () => folders.map((folder) => readFileSync(join(folder, 'lock.pid'), 'utf8'))
    const before = pids()
    const choice = new SeededChoice(SEED)
    using load = new Load({ endpoints: [() => node.endpoint()], root: cluster.root, choice })
    const plays = [STORIES.state, STORIES.grant].map((story) => new Play(load, story))
    running = Promise.all(plays.map((play) => play.run(PACE, () => isOver)))
    await Promise.all(plays.map(({ hasBegun }) => hasBegun))
    const begunMs = performance.now()
    // To all of them, as systemd does: it is for the supervisor alone.
    process.kill(-server.pid, 'SIGUSR2')
    // Two drains and two starts, one after the other.
    const deadline = begunMs + RESTARTED_MS_MAX
    while (!/all workers have been restarted/.test(server.stderr)) {
      assert.ok(performance.now() < deadline, server.stderr)
      await delay(50)
    }
    t.diagnostic(`restarted within ${(performance.now() - begunMs).toFixed(0)} ms`)
    isOver = true
    await running
    const after = pids()
    assert.ok(before.every((pid) => !after.includes(pid)))
    assert.doesNotMatch(server.stderr, /a worker has ended, and is started again/)
    const lost = load.history.filter(({ outcome }) => outcome === 'unknown')
    assert.deepEqual(lost, [])
    await cluster.stopNodes()
    const records = await cluster.recordsByRequest(folders)
    const violations = [...checkHistory(load.history), ...checkRecords(load.history, records)]
    assert.deepEqual(violations.slice(0, 20), [])
    t.diagnostic(`${load.history.length} calls, none lost`)
  } finally {
    isOver = true
    await running.catch(() => undefined)
    await cluster.close()
  }
})
