import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { DependencyError } from '../../core/errors.ts'
import type { Change, OutboxEntry, Row, TableSchema } from '../../core/store.ts'
import type { CommitListeners } from '../commit-listeners.ts'
import { type Outcome, settleWithinTurn } from '../settle.ts'
import { EmbeddedTransaction } from './embedded-transaction.ts'
import { type Counters, FeedSql } from './feed-sql.ts'
import type { TablesSql } from './row-sql.ts'
import { fromSqlite, isSyncFailure } from './sqlite-error.ts'

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

/** A work and the promise that its caller holds. */
interface Unit {
  run(tx: EmbeddedTransaction): Promise<Outcome<unknown>>
  /** With the value that `run` came to. */
  resolve(): void
  reject(error: unknown): void
}

/**
 * The only writer of a store. Units of work that arrive in one turn of the event loop share a
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
  readonly #waiting: Unit[] = []
  #running: Promise<void> | undefined
  /** Outbox entries that the next commit removes. */
  readonly #delivered = new Set<number>()
  /** Why nothing more is written: closed, or a sync failed. */
  #refusal: DependencyError | undefined
  /** Of the commit in progress. */
  #counters: Counters = { epoch: 0, outboxId: 0 }
  #changes: Change[] = []

  /** @param onCommitted told of each commit, for metrics */
  constructor(
    db: DatabaseSync,
    tables: TablesSql,
    listeners: CommitListeners,
    onCommitted?: (commit: StoreCommit) => void,
  ) {
    this.#db = db
    this.#onCommitted = onCommitted
    this.#tables = tables
    this.#feed = new FeedSql(db)
    this.#listeners = listeners
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

  /** Refuses new work, finishes what waits, and removes what was delivered. */
  async close(): Promise<void> {
    this.#refusal ??= new DependencyError('the store is closed')
    await this.#running
    if (this.#delivered.size > 0) await this.#commit([])
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

  async #commit(units: readonly Unit[]): Promise<void> {
    const succeeded: Unit[] = []
    const startedMs = performance.now()
    try {
      const before = this.#begin()
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
    this.#onCommitted?.({ works: units.length, milliseconds: performance.now() - startedMs })
    for (const unit of succeeded) unit.resolve()
  }

  #begin(): Counters {
    // An abort may have failed to roll back, too; without this the store would be stuck for good.
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
    this.#db.exec('BEGIN IMMEDIATE')
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
    if (isSyncFailure(cause)) {
      this.#refusal = new DependencyError(
        'a sync of the store failed: nothing more is written until Strongroom has been restarted',
        { cause },
      )
    }
    try {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
    } catch {
      // The next commit tries again; what matters here is that every caller hears of the failure.
    }
    for (const unit of units) unit.reject(error)
  }
}
