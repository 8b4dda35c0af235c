import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { checkHistory, checkRecords, type HistoryEntry } from './history-checker.ts'
import { Cluster, FAULT_NAMES, type FaultChoice, torment } from './history-cluster.ts'
import { Load } from './history-load.ts'
import { Play, STORIES, type Subject } from './history-stories.ts'
import { SeededChoice } from './kill-nine-model.ts'

/** How long faults happen. Minutes: `STRONGROOM_HISTORY_SECONDS=600 node --test test/fault/history.test.ts`. */
const SECONDS = Number(process.env['STRONGROOM_HISTORY_SECONDS'] ?? 15)
/** Repeats the choice of calls and faults; their moments stay the machine's. */
const SEED = Number(process.env['STRONGROOM_HISTORY_SEED'] ?? randomInt(2 ** 31))
/** Without a lease a node is wrong at one of the first long faults; then it is over, after 10 seconds or 20. */
const SECONDS_WITHOUT_LEASE = 60
/** What a load of this many calls shows is worth something. */
const CALLS_MIN = 300
const SHOWN_MAX = 20

const PACE = { writerMs: 40, userMs: 30, users: 3 }

type History = readonly HistoryEntry[]

/** Loads the nodes while faults happen to them, and reads everything at every node when they are over. */
async function record(
  t: TestContext,
  cluster: Cluster,
  faults: FaultChoice,
  { seconds, until = () => false }: { seconds: number; until?: (history: History) => boolean },
): Promise<History> {
  t.diagnostic(`STRONGROOM_HISTORY_SEED=${SEED}`)
  const choice = new SeededChoice(SEED)
  using load = new Load({
    endpoints: cluster.nodes.map((node) => () => node.endpoint()),
    root: cluster.root,
    choice: new SeededChoice(choice.below(2 ** 31)),
  })
  let endMs = Infinity
  const isOver = (): boolean => performance.now() > endMs
  const told: string[] = []
  const tell = (what: string): void => {
    told.push(`${((performance.now() - begunMs) / 1000).toFixed(1)} s ${what}`)
  }
  const plays = Object.values(STORIES).map((story) => new Play(load, story))
  const running = Promise.all(plays.map((one) => one.run(PACE, isOver)))
  await Promise.race([Promise.all(plays.map((one) => one.hasBegun)), running])
  const begunMs = performance.now()
  endMs = begunMs + seconds * 1000
  const watch = setInterval(() => {
    if (until(load.soFar())) endMs = 0
  }, 500)
  try {
    await Promise.all([running, torment(cluster, faults, choice, isOver, tell)])
  } finally {
    // Where a node did not come back, nobody goes on for ever.
    endMs = 0
    clearInterval(watch)
    t.diagnostic(told.join(', '))
  }
  await readAll(
    load,
    plays.flatMap(({ subjects }) => subjects),
  )
  t.diagnostic(countsOf(load.history))
  return load.history
}

async function readAll(load: Load, subjects: readonly Subject[]): Promise<void> {
  // A node that has just come back catches up first.
  await delay(500)
  for (let node = 0; node < load.nodes; node++) {
    for (const subject of subjects) await subject.use(node)
  }
}

function countsOf(history: History): string {
  const count = (outcome: string) => history.filter((entry) => entry.outcome === outcome).length
  return `${count('done')} calls done, ${count('refused')} refused, ${count('unknown')} not answered`
}

const EXPLAINED = 'every answer can be explained'

test('three nodes under faults use nothing that was revoked and lose nothing', async (t) => {
  const cluster = await Cluster.start({ nodes: 3, hasLease: true })
  if (cluster === undefined) return t.skip('needs a database server of its own')
  try {
    const history = await record(t, cluster, { names: FAULT_NAMES }, { seconds: SECONDS })
    await cluster.stopNodes()
    const records = await cluster.recordsByRequest(cluster.nodes.map(({ folder }) => folder))
    const violations = [...checkHistory(history), ...checkRecords(history, records)]
    assert.deepEqual(violations.slice(0, SHOWN_MAX), [], EXPLAINED)
    assert.ok(history.filter(({ outcome }) => outcome === 'done').length > CALLS_MIN)
  } finally {
    await cluster.close()
  }
})

test('without leases the same check finds answers that came from stale caches', async (t) => {
  const cluster = await Cluster.start({ nodes: 2, hasLease: false })
  if (cluster === undefined) return t.skip('needs a database server of its own')
  try {
    const staleIn = (history: History) =>
      checkHistory(history).filter(({ kind }) => kind === 'stale')
    const faults = { names: ['pause', 'silence'], areLonger: true } as const
    const history = await record(t, cluster, faults, {
      seconds: SECONDS_WITHOUT_LEASE,
      until: (so) => staleIn(so).length > 0,
    })
    const stale = staleIn(history)
    t.diagnostic(`${stale.length} violations: ${stale[0]?.what}`)
    assert.notEqual(stale.length, 0)
  } finally {
    await cluster.close()
  }
})
