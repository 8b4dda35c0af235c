import type { RowStore } from '../../src/core/store.ts'
import { createRandom } from '../../src/crypto/random.ts'
import type { FrameSink } from '../../src/pipeline/audit-trail.ts'
import { machineClock } from '../../src/server/clocks.ts'
import { openHttpTransport } from '../../src/server/http/http-transport.ts'
import { openNodeTrail } from '../../src/server/node/compose-trail.ts'
import { composeNode } from '../../src/server/node/node.ts'
import { openNodeAudit } from '../../src/server/node/node-audit.ts'
import { openNodeState } from '../../src/server/node/node-state.ts'
import { createRecordStore } from '../../src/storage/record-store.ts'
import { keptFailures } from '../support/kept-failures.ts'
import { naiveSearch } from '../support/naive-search.ts'
import { startOptionsFor } from '../support/stopped-node.ts'

/** Where a call is cut off: by its store or by its log, and whether what was asked for has happened. */
export interface Cut {
  readonly at: 'store' | 'log'
  readonly persisted: boolean
  /** Whether the process is gone then; where it is not, the disk recovers as soon as `mend` is called. */
  readonly kills: boolean
}

/** What every call does to store and log, counted, and cut off where a test says. */
class Faults {
  cut: Cut | undefined
  transactions = 0
  appends = 0
  /** Calls that have met the cut. */
  met = 0
  isDead = false

  /** Runs one step of store or log, or what the cut leaves of it. */
  async step<T>(
    at: Cut['at'],
    whole: () => Promise<T>,
    undone: () => Promise<unknown>,
  ): Promise<T> {
    // Calls that are cut off at the log have all been let past the store: each of them dies on its own.
    if (this.isDead && this.cut?.at === 'store' && at === 'log')
      throw new Error('the process is gone')
    if (this.cut?.at !== at) return whole()
    const { persisted, kills } = this.cut
    this.met += 1
    this.isDead ||= kills
    await (persisted ? whole() : undone())
    throw new Error('input/output error')
  }
}

class RolledBack extends Error {}

/** A store whose transactions go as the faults say; everything else is the store's own. */
function faultyRows(rows: RowStore, faults: Faults): RowStore {
  const transaction: RowStore['transaction'] = (work) => {
    faults.transactions += 1
    const undone = (): Promise<unknown> =>
      // The work is done before it is undone: a fault at COMMIT, where all has been written.
      rows
        .transaction(async (tx) => {
          await work(tx)
          throw new RolledBack()
        })
        .catch((error: unknown) => {
          if (!(error instanceof RolledBack)) throw error
        })
    return faults.step('store', () => rows.transaction(work), undone)
  }
  return {
    get: (...args) => rows.get(...args),
    page: (...args) => rows.page(...args),
    count: (...args) => rows.count(...args),
    setting: (...args) => rows.setting(...args),
    snapshot: (work) => rows.snapshot(work),
    load: (...args) => rows.load(...args),
    loadOutbox: (...args) => rows.loadOutbox(...args),
    onCommit: (listener) => rows.onCommit(listener),
    epoch: () => rows.epoch(),
    changesSince: (...args) => rows.changesSince(...args),
    trimChanges: (...args) => rows.trimChanges(...args),
    outbox: (...args) => rows.outbox(...args),
    raiseOutbox: (...args) => rows.raiseOutbox(...args),
    // A process that is gone takes what it has not committed yet with it.
    outboxDelivered: (ids) => {
      if (!faults.isDead) rows.outboxDelivered(ids)
    },
    close: () => rows.close(),
    transaction,
  }
}

function faultySink(sink: FrameSink, faults: Faults): FrameSink {
  // A process that is gone does not try again what it believes has failed; calls of its last turn would.
  const written = new Set<string>()
  const append = (frame: string): Promise<void> =>
    new Promise((resolve, reject) => {
      if (faults.isDead && written.has(frame)) return resolve()
      written.add(frame)
      sink.append(frame, (error) => (error === undefined ? resolve() : reject(error)))
    })
  return {
    append(frame, done) {
      faults.appends += 1
      faults
        .step(
          'log',
          () => append(frame),
          () => Promise.resolve(),
        )
        .then(
          () => done(),
          (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
        )
    },
  }
}

/** A node on a folder, in this process, whose store and log can be cut off. */
export interface CrashingNode extends AsyncDisposable {
  readonly endpoint: string
  readonly faults: Pick<Faults, 'transactions' | 'appends' | 'met'>
  /** What the operator has read of failures. */
  readonly failures: readonly string[]
  cutOff(cut: Cut): void
  mend(): void
}

/** Starts as a node does: what a crash has cut off is appended before the first call. */
export async function startCrashingNode(dataFolder: string, store?: string): Promise<CrashingNode> {
  const options = { ...startOptionsFor(dataFolder), store }
  const faults = new Faults()
  const log = keptFailures()
  const parts = { clock: machineClock, random: createRandom(), log }
  const state = await openNodeState(options, parts, 'existing')
  const audit = await openNodeAudit(state, options, parts)
  const rows = faultyRows(state.rows, faults)
  const records = createRecordStore({ rows, guard: state.custody, cacheRecords: 5000 })
  const node = await composeNode({
    ...parts,
    rows,
    records,
    sink: faultySink(audit.log, faults),
    machine: machineClock,
    openAccount: undefined,
    search: naiveSearch(() => []),
    requestFrames: () => Promise.resolve([]),
    trailFiles: openNodeTrail(state, audit, { ...parts, homeRegion: options.region }),
  })
  await audit.recoverOutbox()
  await node.recover()
  const transport = await openHttpTransport({
    host: '127.0.0.1',
    port: 0,
    handler: node.handler,
    log,
  })
  return {
    endpoint: transport.endpoint,
    faults,
    failures: log.failures,
    cutOff(cut) {
      faults.met = 0
      faults.cut = cut
    },
    mend() {
      faults.cut = undefined
    },
    async [Symbol.asyncDispose]() {
      await transport.close(1000)
      // A process that is gone notes nothing more; closing what it had open changes nothing either.
      await node.close().catch(() => undefined)
      if (!faults.isDead) await audit.saveHead()
      await audit.log.close()
      await state.close()
    },
  }
}
