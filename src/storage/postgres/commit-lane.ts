import { setTimeout as delay } from 'node:timers/promises'
import { DependencyError, IntegrityError } from '../../core/errors.ts'
import type { OutboxEntry } from '../../core/store.ts'
import type { CommitListeners } from '../commit-listeners.ts'
import type { HeldValue } from '../held-value.ts'
import type { Outcome } from '../settle.ts'
import { CommitBatch, type Standing, standingOf, type Unit } from './commit-batch.ts'
import type { Connections, Session } from './connections.ts'
import { channelOf, type FeedFollower } from './feed-follower.ts'
import type { PeerWatch } from './peer-watch.ts'
import { failureOf, fromPostgres } from './postgres-error.ts'
import type { PostgresTransaction } from './postgres-transaction.ts'
import type { TablesSql } from './row-sql.ts'
import { settleWork } from './settle-work.ts'

/** Units of work in one commit. */
const WORKS_PER_COMMIT_MAX = 64
/** How long a commit takes in further units of work: other nodes wait for it. */
const GATHER_MS_MAX = 40
/** Units of work that wait. More means that the database cannot keep up, and memory is not the remedy. */
const WORKS_WAITING_MAX = 20_000
/** The pauses between tries of a commit grow, from twice the one up to the other. */
const PAUSE_MS = 5
const PAUSE_MS_MAX = 1000

/** One commit, from its lock to the answer. */
export interface StoreCommit {
  /** Units of work that shared it. */
  readonly works: number
  readonly milliseconds: number
}

export interface LaneOptions {
  readonly connections: Connections
  readonly tables: TablesSql
  readonly listeners: CommitListeners
  readonly nodeId: string
  /** How long a commit is tried while the database is away. */
  readonly patienceMs: number
  /** Which taking of the node's name this process is; see `takeWriter`. */
  readonly incarnation: number
  /** Knows of commits of other nodes, and is told of ours. */
  readonly follower: Pick<FeedFollower, 'heard' | 'isListening'>
  /** Knows when no other node serves what a commit has made untrue. */
  readonly peers: Pick<PeerWatch, 'applied'>
  /** What the works of a commit are done under: as the store has it then. */
  readonly held?: HeldValue | undefined
  /** Told of each commit, for metrics. */
  readonly onCommitted?: ((commit: StoreCommit) => void) | undefined
  /** Told when a commit whose callers were told that nobody knows turns out to have happened. */
  readonly onLateCommit: (entries: readonly OutboxEntry[]) => void
}

/** How long something has been going on. */
class Stopwatch {
  readonly #start = performance.now()
  get ms(): number {
    return performance.now() - this.#start
  }
}

/**
 * The only writer of a node. Units of work that wait share one transaction and its commit; each is a
 * savepoint, so that one that fails takes nothing else along. The transaction begins by locking the
 * counter of epochs, so it is the only writer of the store for as long as it lasts: nothing that it
 * has read changes under it, on any isolation level.
 */
export class CommitLane {
  readonly #options: LaneOptions
  readonly #waiting: Unit[] = []
  #running: Promise<void> | undefined
  #session: Session | undefined
  /** Outbox entries that the next commit removes. */
  readonly #delivered = new Set<number>()
  /** Commits that wait for other nodes. */
  readonly #spreading = new Set<Promise<void>>()
  #closed = false
  /** Why nothing more is written. */
  #refusal: DependencyError | undefined
  /** A commit of which nobody knows yet whether it happened. */
  #doubt: Pick<CommitBatch, 'number' | 'changes' | 'outbox'> | undefined
  /** The greatest epoch that this process has seen, and the number of its newest commit. */
  #epochSeen = 0
  #batchSeen = 0

  constructor(options: LaneOptions) {
    this.#options = options
  }

  /** See `RowStore.transaction`. */
  submit<T>(work: (tx: PostgresTransaction) => Promise<T>): Promise<T> {
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal)
    if (this.#waiting.length >= WORKS_WAITING_MAX) {
      return Promise.reject(new DependencyError('too many writes wait for the store'))
    }
    const { connections } = this.#options
    return new Promise((resolve, reject) => {
      let outcome: Outcome<T> | undefined
      this.#waiting.push({
        run: async (tx) =>
          (outcome = await settleWork(() => work(tx), {
            isBusy: () => tx.isBusy,
            started: () => tx.started,
            isReading: () => connections.reading > 0,
          })),
        resolve: () => {
          if (outcome?.ok) resolve(outcome.value)
        },
        reject,
      })
      this.#running ??= this.#drain()
    })
  }

  /** See `RowStore.outboxDelivered`. */
  delivered(ids: readonly number[]): void {
    for (const id of ids) this.#delivered.add(id)
  }

  /** Refuses new work, finishes what waits, and removes what was delivered. */
  async close(): Promise<void> {
    this.#closed = true
    this.#refusal ??= new DependencyError('the store is closed')
    await this.#running
    await Promise.all(this.#spreading)
    if (this.#delivered.size > 0) await this.#commit([])
    await this.#session?.close()
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Once round the event loop: whatever else arrives meanwhile joins this commit.
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
      await this.#commit(this.#waiting.splice(0, WORKS_PER_COMMIT_MAX))
    }
    this.#running = undefined
  }

  /** Commits the units, once more where that may help, and answers every caller. Never rejects. */
  async #commit(units: readonly Unit[]): Promise<void> {
    const watch = new Stopwatch()
    for (let tries = 1; ; tries++) {
      let batch: CommitBatch | undefined
      try {
        batch = await this.#begin()
        await this.#fill(batch, units)
        return
      } catch (cause) {
        await this.#rollBack()
        const failure = failureOf(cause)
        if (batch?.commitSent && failure === 'lost') {
          if (await this.#settleFate(batch, units, watch)) return
        }
        const mayTry = failure === 'again' || failure === 'lost'
        if (!mayTry || watch.ms > this.#options.patienceMs) {
          this.#answerFailure(units, batch, fromPostgres(cause, 'commit'))
          return
        }
        await delay(Math.min(PAUSE_MS * 2 ** tries, PAUSE_MS_MAX))
      }
    }
  }

  async #begin(): Promise<CommitBatch> {
    if (this.#session?.isOpen !== true) {
      this.#session = await this.#options.connections.openSession()
    }
    const { nodeId, held } = this.#options
    const batch = await CommitBatch.begin(this.#session, nodeId, held?.name)
    this.#assertOurs(batch.standing)
    this.#endDoubt(batch.standing)
    this.#takeHeld(batch.standing)
    return batch
  }

  /** Runs units for a while and commits them; the others wait for the next commit. */
  async #fill(batch: CommitBatch, units: readonly Unit[]): Promise<void> {
    const watch = new Stopwatch()
    let ran = 0
    while (ran < units.length && (ran === 0 || watch.ms < GATHER_MS_MAX)) {
      const unit = units[ran++]
      if (unit !== undefined) await batch.run(unit, this.#options.tables)
    }
    const delivered = [...this.#delivered]
    const { connections, follower } = this.#options
    const channel = follower.isListening ? channelOf(connections.address.schema) : undefined
    await batch.commit(delivered, channel)
    for (const id of delivered) this.#delivered.delete(id)
    this.#waiting.unshift(...units.slice(ran))
    this.#options.onCommitted?.({ works: ran, milliseconds: watch.ms })
    this.#answerSuccess(batch)
  }

  #answerSuccess(batch: CommitBatch): void {
    this.#epochSeen = batch.epoch
    if (batch.changes.length > 0) this.#batchSeen = batch.number
    this.#options.listeners.tell(batch.changes)
    this.#options.follower.heard(batch.changes)
    for (const [unit, error] of batch.failed) unit.reject(error)
    if (batch.changes.length === 0 || !batch.hasPeers) {
      for (const unit of batch.succeeded) unit.resolve()
      return
    }
    const spreading = this.#spread(batch).finally(() => this.#spreading.delete(spreading))
    this.#spreading.add(spreading)
  }

  /** Answers when no other node serves what the commit has made untrue. Never rejects. */
  async #spread(batch: CommitBatch): Promise<void> {
    try {
      await this.#options.peers.applied(batch.epoch)
      for (const unit of batch.succeeded) unit.resolve()
    } catch (error) {
      // The change stands, but its caller hears of a failure: nobody else appends its audit frames.
      for (const unit of batch.succeeded) unit.reject(error)
      this.#options.onLateCommit(batch.outbox)
    }
  }

  #answerFailure(units: readonly Unit[], batch: CommitBatch | undefined, error: unknown): void {
    for (const unit of units) unit.reject(batch?.failed.get(unit) ?? error)
  }

  /** Ends the transaction that failed: until then it would keep every other writer waiting. */
  async #rollBack(): Promise<void> {
    const session = this.#session
    if (session === undefined) return
    try {
      if (session.isOpen) {
        await session.query('ROLLBACK')
        return
      }
    } catch {
      // The server ends the transaction when it notices that the connection is gone.
    }
    this.#session = undefined
    await session.close()
  }

  /**
   * Finds out what became of a commit whose answer was lost.
   * @returns whether every caller has been answered; if not, it did not happen
   */
  async #settleFate(
    batch: CommitBatch,
    units: readonly Unit[],
    watch: Stopwatch,
  ): Promise<boolean> {
    for (let tries = 1; watch.ms < this.#options.patienceMs; tries++) {
      try {
        const { connections, nodeId } = this.#options
        const standing = await standingOf(connections, nodeId)
        this.#assertOurs(standing)
        if (standing.batch < batch.number) return false
        const ran = new Set([...batch.succeeded, ...batch.failed.keys()])
        this.#waiting.unshift(...units.filter((unit) => !ran.has(unit)))
        this.#answerSuccess(batch)
        return true
      } catch (error) {
        if (failureOf(error) === 'other') break
        await delay(Math.min(PAUSE_MS * 2 ** tries, PAUSE_MS_MAX))
      }
    }
    // Whether it happened or not, nobody must be given what was read before it.
    this.#doubt = batch
    this.#options.listeners.tell(batch.changes)
    const error = new DependencyError(
      'the connection to the database was lost during a commit: it is not known whether the change was made',
    )
    this.#answerFailure(units, batch, error)
    void this.#watchDoubt()
    return true
  }

  /** Tries again until it is known what became of the commit: the next transaction that begins tells. */
  async #watchDoubt(): Promise<void> {
    while (this.#doubt !== undefined && !this.#closed && this.#refusal === undefined) {
      await delay(PAUSE_MS_MAX, undefined, { ref: false })
      if (this.#doubt === undefined || this.#closed) return
      await this.submit(async () => undefined).catch(() => undefined)
    }
  }

  #endDoubt(standing: Standing): void {
    const doubt = this.#doubt
    if (doubt === undefined) return
    this.#doubt = undefined
    if (standing.batch < doubt.number) return
    this.#options.listeners.tell(doubt.changes)
    this.#options.onLateCommit(doubt.outbox)
  }

  /** Nobody changes it before this commit has ended. @throws when this process may write no more, now and for good */
  #takeHeld({ held, epoch }: Standing): void {
    try {
      this.#options.held?.take(held, epoch)
    } catch (error) {
      if (error instanceof DependencyError) this.#refusal = error
      throw error
    }
  }

  /** @throws when this process may write no more, now and for good */
  #assertOurs({ incarnation, epoch, batch }: Standing): void {
    if (incarnation !== this.#options.incarnation) {
      this.#refusal = new DependencyError(
        'another process runs under the id of this node: nothing more is written until this one has been restarted',
      )
      throw this.#refusal
    }
    if (epoch < this.#epochSeen || batch < this.#batchSeen) {
      this.#refusal = new IntegrityError(
        `the database has gone back from epoch ${this.#epochSeen} to ${epoch}, and from commit ${this.#batchSeen} of this node to ${batch}: acknowledged changes are missing, and nothing more is written until this node has been restarted`,
      )
      throw this.#refusal
    }
    this.#epochSeen = epoch
    this.#batchSeen = batch
  }
}
