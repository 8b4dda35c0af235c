import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { DependencyError } from '../../core/errors.ts'
import type { Change, OutboxEntry, Row, TableSchema } from '../../core/store.ts'
import type { CommitListeners } from '../commit-listeners.ts'
import { type Outcome, settleWithinTurn } from '../settle.ts'
import type { Checkpoints } from './checkpoints.ts'
import { EmbeddedTransaction } from './embedded-transaction.ts'
import { type Counters, FeedSql } from './feed-sql.ts'
import type { TablesSql } from './row-sql.ts'
import type { SharedFile } from './shared-file.ts'
import { fromSqlite, isSyncFailure } from './sqlite-error.ts'
import type { WriteTurn } from './write-turn.ts'

/** Units of work in one commit. Each costs some 50 µs, and the event loop waits for all of them. */
const WORKS_PER_COMMIT_MAX = 64
/** Units of work that wait. More means that the disk cannot keep up, and memory is not the remedy. */
const WORKS_WAITING_MAX = 20_000

/** One commit, with its sync. */
export interface StoreCommit {
  /** Units of work that shared it. */
  readonly works: number
  /** From `BEGIN` to the end of `COMMIT`: the event loop waited for all of it. */
  readonly milliseconds: number
}

/** What a writer that is not the only one has besides. */
export interface SharedWriting {
  readonly file: Pick<SharedFile, 'heard' | 'catchUp'>
  readonly turn: WriteTurn
  readonly checkpoints: Checkpoints
  /** Told when a sync of this process has failed: then nobody may write any more. */
  readonly onSyncFailure: () => void
}

export interface GroupCommitOptions {
  readonly db: DatabaseSync
  readonly tables: TablesSql
  readonly feed: FeedSql
  readonly listeners: CommitListeners
  /** Told of each commit, for metrics. */
  readonly onCommitted?: ((commit: StoreCommit) => void) | undefined
  /** Where other processes write the file as well. */
  readonly shared?: SharedWriting | undefined
}

/** A work and the promise that its caller holds. */
interface Unit {
  run(tx: EmbeddedTransaction): Promise<Outcome<unknown>>
  /** With the value that `run` came to. */
  resolve(): void
  reject(error: unknown): void
}

const SYNC_FAILED =
  'a sync of the store failed: nothing more is written until Strongroom has been restarted'

/**
 * The only writer of a process. Units of work that arrive in one turn of the event loop share a
 * `BEGIN IMMEDIATE … COMMIT` and its sync; each is a savepoint, so that one that fails takes
 * nothing else along.
 */
export class GroupCommit {
  readonly #db: DatabaseSync
  readonly #tables: TablesSql
  readonly #feed: FeedSql
  readonly #listeners: CommitListeners
  readonly #savepoint: StatementSync
  readonly #release: StatementSync
  readonly #rollbackTo: StatementSync
  readonly #onCommitted: ((commit: StoreCommit) => void) | undefined
  readonly #shared: SharedWriting | undefined
  readonly #waiting: Unit[] = []
  #running: Promise<void> | undefined
  /** Outbox entries that the next commit removes. */
  readonly #delivered = new Set<number>()
  /** Why nothing more is taken on: closed, or a sync failed. */
  #refusal: DependencyError | undefined
  /** Why nothing more is written, not even what waits: a sync failed, here or in another process. */
  #broken: DependencyError | undefined
  /** Whether the lock is held for good: see `#keepOthersOut`. */
  #keepsOthersOut = false
  /** Of the commit in progress. */
  #counters: Counters = { epoch: 0, outboxId: 0 }
  #changes: Change[] = []

  constructor({ db, tables, feed, listeners, onCommitted, shared }: GroupCommitOptions) {
    this.#db = db
    this.#onCommitted = onCommitted
    this.#tables = tables
    this.#feed = feed
    this.#listeners = listeners
    this.#shared = shared
    this.#savepoint = db.prepare('SAVEPOINT work')
    this.#release = db.prepare('RELEASE work')
    this.#rollbackTo = db.prepare('ROLLBACK TO work')
  }

  /** See `RowStore.transaction`. */
  submit<T>(work: (tx: EmbeddedTransaction) => Promise<T>): Promise<T> {
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal)
    if (this.#waiting.length >= WORKS_WAITING_MAX) {
      return Promise.reject(new DependencyError('too many writes wait for the store'))
    }
    return new Promise((resolve, reject) => {
      let outcome: Outcome<T> | undefined
      this.#waiting.push({
        run: async (tx) => (outcome = await settleWithinTurn(() => work(tx))),
        resolve: () => {
          if (outcome?.ok) resolve(outcome.value)
        },
        reject,
      })
      this.#running ??= this.#drain()
    })
  }

  /** Forgets feed entries up to and including `epoch`. */
  trimChanges(epoch: number): Promise<void> {
    return this.submit(async () => {
      try {
        this.#feed.trimChanges(epoch)
      } catch (error) {
        throw fromSqlite(error, 'trim the change feed')
      }
    })
  }

  /** See `RowStore.load`. */
  load(table: TableSchema, rows: readonly Row[]): Promise<void> {
    return this.submit(async (tx) => {
      for (const row of rows) tx.load(table, row)
    })
  }

  /** See `RowStore.loadOutbox`. */
  loadOutbox(entries: readonly OutboxEntry[]): Promise<void> {
    return this.submit(async (tx) => tx.loadOutbox(entries))
  }

  /** See `RowStore.raiseOutbox`. */
  raiseOutbox(atLeast: number): Promise<void> {
    return this.submit(async (tx) => tx.raiseOutbox(atLeast))
  }

  /** See `RowStore.outboxDelivered`. */
  delivered(ids: readonly number[]): void {
    for (const id of ids) this.#delivered.add(id)
  }

  /** See `EmbeddedStore.adoptOutbox`. */
  adopt(nodeId: string, isDelivered: ReadonlySet<number>): Promise<readonly OutboxEntry[]> {
    return this.submit(async (tx) => tx.adopt(nodeId, isDelivered))
  }

  /** A sync of the store has failed: nothing more is written, whatever waits. */
  giveUp(cause?: unknown): void {
    this.#broken ??= new DependencyError(SYNC_FAILED, { cause })
    this.#refusal = this.#broken
  }

  /** Refuses new work, finishes what waits, and removes what was delivered. */
  async close(): Promise<void> {
    this.#refusal ??= new DependencyError('the store is closed')
    await this.#running
    if (this.#delivered.size > 0) await this.#commit()
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Once round the event loop: whatever else arrives meanwhile joins this commit.
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
      await this.#commit()
      if (this.#waiting.length > 0) await this.#shared?.turn.giveWay()
    }
    this.#running = undefined
  }

  /** Commits what waits, or as much of it as one commit takes. */
  async #commit(): Promise<void> {
    const units = this.#waiting.splice(0, WORKS_PER_COMMIT_MAX)
    const succeeded: Unit[] = []
    let before: Counters
    let startedMs: number
    try {
      before = await this.#begin()
      startedMs = performance.now()
      // What came while others were waited for.
      units.push(...this.#waiting.splice(0, WORKS_PER_COMMIT_MAX - units.length))
      for (const unit of units) if (await this.#runInSavepoint(unit)) succeeded.push(unit)
      if (this.#delivered.size > 0) this.#feed.removeOutbox(this.#delivered)
      // A commit that changed nothing writes nothing, and so needs no sync.
      if (this.#counters !== before) this.#feed.setCounters(this.#counters)
      this.#db.exec('COMMIT')
    } catch (error) {
      this.#abort(error, units)
      return
    }
    // From the COMMIT to here nothing else ran: no reader saw the rows before the listeners did.
    this.#delivered.clear()
    this.#listeners.tell(this.#changes)
    this.#shared?.file.heard(this.#counters.epoch)
    this.#onCommitted?.({ works: units.length, milliseconds: performance.now() - startedMs })
    for (const unit of succeeded) unit.resolve()
    this.#writeBack()
  }

  /** Where processes share the file; else SQLite does it. */
  #writeBack(): void {
    try {
      this.#shared?.checkpoints.afterCommit()
    } catch (error) {
      if (!isSyncFailure(error)) return
      this.giveUp(error)
      this.#keepOthersOut()
    }
  }

  async #begin(): Promise<Counters> {
    if (this.#broken !== undefined) throw this.#broken
    // An abort may have failed to roll back, too; without this the store would be stuck for good.
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
    if (this.#shared === undefined) this.#db.exec('BEGIN IMMEDIATE')
    else await this.#shared.turn.begin()
    // Another process's sync may have failed while this one waited.
    if (this.#broken !== undefined) throw this.#broken
    // What is written is under the keys that the store has now.
    if (this.#shared?.file.catchUp() === false) {
      throw new DependencyError('it cannot be read what other processes have changed in the store')
    }
    this.#changes = []
    // Read under the write lock, because other processes count on from the same numbers.
    this.#counters = this.#feed.counters()
    return this.#counters
  }

  /** False when the work failed: it has been undone and its caller answered. */
  async #runInSavepoint(unit: Unit): Promise<boolean> {
    this.#savepoint.run()
    const tx = new EmbeddedTransaction(this.#tables, this.#feed, this.#counters)
    const outcome = await unit.run(tx)
    tx.end()
    const failure = tx.failure ?? (outcome.ok ? undefined : outcome.error)
    // SQLite rolls back by itself after some errors, a full disk among them: the neighbours that
    // went before are undone then as well.
    if (!this.#db.isTransaction) throw failure
    if (outcome.ok && tx.failure === undefined) {
      this.#release.run()
      if (tx.wroteFeed) this.#counters = tx.counters
      for (const change of tx.changes) this.#changes.push(change)
      return true
    }
    this.#rollbackTo.run()
    this.#release.run()
    unit.reject(failure)
    return false
  }

  #abort(cause: unknown, units: readonly Unit[]): void {
    const error = fromSqlite(cause, 'commit')
    const isBroken = isSyncFailure(cause)
    if (isBroken) this.giveUp(cause)
    try {
      if (this.#db.isTransaction && !this.#keepsOthersOut) this.#db.exec('ROLLBACK')
    } catch {
      // The next commit tries again; what matters here is that every caller hears of the failure.
    }
    if (isBroken) this.#keepOthersOut()
    for (const unit of units) unit.reject(error)
  }

  /**
   * What this process knows of the disk holds for every process that writes the file: it takes the lock, and keeps it
   * for as long as it lives. The others are told besides, so that they need not wait for it.
   */
  #keepOthersOut(): void {
    if (this.#shared === undefined) return
    try {
      this.#db.exec('BEGIN IMMEDIATE')
      this.#keepsOthersOut = true
    } catch {
      // Somebody else has it, whose own sync finds out; and the others hear of it.
    }
    this.#shared.onSyncFailure()
  }
}
