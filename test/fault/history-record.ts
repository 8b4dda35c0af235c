import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { runStrongroom } from '../support/server-process.ts'
import { checkHistory, checkRecords, type HistoryEntry } from './history-checker.ts'
import type { Principal } from './history-client.ts'
import { type FaultChoice, type HistoryNode, torment } from './history-faults.ts'
import { Load } from './history-load.ts'
import { Play, STORIES, type Subject } from './history-stories.ts'
import { SeededChoice } from './kill-nine-model.ts'

/** How long faults happen. @param usual unless somebody says otherwise */
export const secondsOf = (usual: number): number =>
  Number(process.env['STRONGROOM_HISTORY_SECONDS'] ?? usual)
/** Repeats the choice of calls and faults; their moments stay the machine's. */
const SEED = Number(process.env['STRONGROOM_HISTORY_SEED'] ?? randomInt(2 ** 31))
/** What a load of this many calls shows is worth something. */
const CALLS_MIN = 300
const SHOWN_MAX = 20

const PACE = { writerMs: 40, userMs: 30, users: 3 }

export type History = readonly HistoryEntry[]

/** Loads the nodes while faults happen to them, and reads everything at every node when they are over. */
export async function record<N extends HistoryNode>(
  t: TestContext,
  cluster: { readonly nodes: readonly N[]; readonly root: Principal },
  faults: FaultChoice<N>,
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
    await Promise.all([running, torment(cluster.nodes, faults, choice, isOver, tell)])
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

/** How often each request id stands in the logs of nodes that are stopped; every log is verified. */
export async function requestsIn(
  folders: readonly string[],
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ReadonlyMap<string, number>> {
  const times = new Map<string, number>()
  for (const folder of folders) {
    const where = ['--data', folder, ...flags]
    const verified = await runStrongroom(['audit', 'verify', ...where], { env })
    assert.equal(verified.exitCode, 0, `audit verify: ${verified.stdout}${verified.stderr}`)
    const printed = await runStrongroom(['audit', 'cat', ...where], { env })
    assert.equal(printed.exitCode, 0, printed.stderr)
    for (const [, id] of printed.stdout.matchAll(/"requestID":"([^"]+)"/g)) {
      if (id !== undefined) times.set(id, (times.get(id) ?? 0) + 1)
    }
  }
  return times
}

/** Every answer can be explained, and stands in exactly one log. */
export function assertExplained(history: History, records: ReadonlyMap<string, number>): void {
  const violations = [...checkHistory(history), ...checkRecords(history, records)]
  assert.deepEqual(violations.slice(0, SHOWN_MAX), [], 'every answer can be explained')
  assert.ok(history.filter(({ outcome }) => outcome === 'done').length > CALLS_MIN)
}

export const staleIn = (history: History) =>
  checkHistory(history).filter(({ kind }) => kind === 'stale')
