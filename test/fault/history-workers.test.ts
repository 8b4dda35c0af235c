import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockWorkers } from '../../src/server/node/node-locks.ts'
import { startServer, temporaryFolder } from '../support/server-process.ts'
import { REGION } from './history-client.ts'
import { HistoryNode, PROCESS_FAULTS } from './history-faults.ts'
import { assertExplained, record, requestsIn, secondsOf, staleIn } from './history-record.ts'

/** `STRONGROOM_HISTORY_SECONDS=600 node --test test/fault/history-workers.test.ts` for minutes. */
const SECONDS = secondsOf(8)
const WITHOUT_ASKING = `--import=${new URL('../support/without-asking.ts', import.meta.url).href}`
/** Without asking a worker is wrong after the first change that it has something cached of. */
const SECONDS_WITHOUT_ASKING = 30

/** Workers on one file, each on a port of its own so that a client can choose; the test is their supervisor. */
async function startWorkers(count: number, env: Readonly<Record<string, string>> = {}) {
  const main = temporaryFolder()
  const lock = lockWorkers(main)
  const common = [
    ['--workers', String(count), '--store', join(main, 'strongroom.db')],
    ['--keyfile', join(main, 'root.key'), '--region', REGION, '--log-level', 'error'],
  ].flat()
  const nodes = Array.from({ length: count }, (_, at) => {
    const number = at + 1
    const dataFolder = at === 0 ? main : join(main, 'workers', String(number))
    const flags = [...common, '--worker', String(number)]
    return new HistoryNode(dataFolder, (more) =>
      startServer({ dataFolder, flags, env: { ...env, ...more }, isWorker: true }),
    )
  })
  // The first one sets the store up.
  for (const node of nodes) await node.start()
  const root = nodes[0]?.process?.credentials
  assert.ok(root)
  return {
    nodes,
    root,
    stop: () => Promise.all(nodes.map(async (node) => node.process?.stop())),
    async close() {
      for (const node of nodes) await node.kill()
      lock.release()
    },
  }
}

test('three workers on one file, under faults, use nothing that was revoked and lose nothing', async (t) => {
  const workers = await startWorkers(3)
  try {
    const history = await record(t, workers, { faults: PROCESS_FAULTS }, { seconds: SECONDS })
    await workers.stop()
    // A worker's folder says where store and root key are.
    const records = await requestsIn(
      workers.nodes.map(({ folder }) => folder),
      [],
    )
    assertExplained(history, records)
  } finally {
    await workers.close()
  }
})

test('without asking for changes the same check finds answers that came from stale caches', async (t) => {
  const workers = await startWorkers(2, { NODE_OPTIONS: WITHOUT_ASKING })
  try {
    const history = await record(
      t,
      workers,
      { faults: {} },
      { seconds: SECONDS_WITHOUT_ASKING, until: (so) => staleIn(so).length > 0 },
    )
    const stale = staleIn(history)
    t.diagnostic(`${stale.length} violations: ${stale[0]?.what}`)
    assert.notEqual(stale.length, 0)
  } finally {
    await workers.close()
  }
})
