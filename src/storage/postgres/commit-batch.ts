import type { Change, OutboxEntry } from '../../core/store.ts'
import type { Outcome } from '../settle.ts'
import type { Connections, ResultRows, Session } from './connections.ts'
import {
  addChanges,
  addOutbox,
  LOCK_EPOCH,
  notify,
  numberOf,
  readWriter,
  removeOutbox,
  setEpoch,
  settingOf,
  setWriter,
} from './feed-sql.ts'
import { readPeers } from './node-sql.ts'
import { failureOf, fromPostgres } from './postgres-error.ts'
import { type Counters, PostgresTransaction } from './postgres-transaction.ts'
import type { Statement, TablesSql } from './row-sql.ts'

/** A work and the promise that its caller holds. */
export interface Unit {
  run(tx: PostgresTransaction): Promise<Outcome<unknown>>
  /** With the value that `run` came to. */
  resolve(): void
  reject(error: unknown): void
}

/** What the store says of its writers, read under the lock that makes this one the only one. */
export interface Standing {
  readonly epoch: number
  /** The number of this node's newest commit. */
  readonly batch: number
  readonly outboxId: number
  /** Which taking of the node's name wrote last; see `takeWriter`. */
  readonly incarnation: number
  /** What the store has for the held setting, if one was asked for. */
  readonly held: string | undefined
}

/** One try of a commit, on one session. */
export class CommitBatch {
  readonly #session: Session
  readonly #nodeId: string
  readonly #standing: Standing
  #counters: Counters
  #wrote = false
  /** Statements whose answers nobody has looked at yet. */
  readonly #sent: Promise<ResultRows>[] = []
  readonly outbox: OutboxEntry[] = []
  readonly changes: Change[] = []
  /** Units that are to be told of success, and of a failure of their own. */
  readonly succeeded: Unit[] = []
  readonly failed = new Map<Unit, unknown>()
  /** Whether other nodes may serve what its changes have made untrue. */
  hasPeers = true
  /** Whether the `COMMIT` is on its way, so that it may have happened whatever else is known. */
  commitSent = false

  private constructor(session: Session, nodeId: string, standing: Standing) {
    this.#session = session
    this.#nodeId = nodeId
    this.#standing = standing
    this.#counters = { epoch: standing.epoch, outboxId: standing.outboxId }
  }

  /** Begins the transaction and waits until it is the only writer. */
  static async begin(session: Session, nodeId: string, held?: string): Promise<CommitBatch> {
    return new CommitBatch(session, nodeId, await lockStore(session, nodeId, held))
  }

  get standing(): Standing {
    return this.#standing
  }

  /** The number that this node's row carries once this batch has committed. */
  get number(): number {
    return this.#standing.batch + 1
  }

  /** The epoch of the store once this batch has committed. */
  get epoch(): number {
    return this.#counters.epoch
  }

  /** Runs one unit. Rejects when the whole batch has to be given up. */
  async run(unit: Unit, tables: TablesSql): Promise<void> {
    this.#send('SAVEPOINT work')
    const tx = new PostgresTransaction(this.#session, tables, this.#counters)
    const outcome = await unit.run(tx)
    tx.end()
    if (tx.failure !== undefined) {
      const failure = failureOf(tx.failure)
      if (failure === 'again' || failure === 'lost') throw tx.failure
    }
    if (outcome.ok && tx.failure === undefined) {
      this.#send('RELEASE SAVEPOINT work')
      this.#keep(tx)
      this.succeeded.push(unit)
      return
    }
    this.#send('ROLLBACK TO SAVEPOINT work')
    this.#send('RELEASE SAVEPOINT work')
    // What the work itself threw is its caller's, whatever it is.
    const own = outcome.ok ? undefined : outcome.error
    this.failed.set(
      unit,
      tx.failure === undefined ? own : fromPostgres(tx.failure, 'carry out a transaction'),
    )
  }

  /**
   * Writes the feed, the outbox and the counters and commits, all in one round trip.
   * @param delivered outbox entries to remove
   * @param channel where other nodes are told of it, if the database can
   */
  async commit(delivered: readonly number[], channel: string | undefined): Promise<void> {
    if (this.#wrote || delivered.length > 0) {
      if (this.changes.length > 0) {
        this.#sendStatement(addChanges(this.changes))
        this.#sendStatement(setEpoch(this.#counters.epoch))
        if (channel !== undefined) this.#sendStatement(notify(channel, this.#nodeId))
      }
      if (this.outbox.length > 0) this.#sendStatement(addOutbox(this.#nodeId, this.outbox))
      if (delivered.length > 0) this.#sendStatement(removeOutbox(this.#nodeId, delivered))
      this.#sendStatement(setWriter(this.#nodeId, this.number, this.#counters.outboxId))
      this.commitSent = true
    }
    const commit = this.#session.query('COMMIT')
    const alone = this.changes.length > 0 ? this.#isAlone() : undefined
    const answers = await Promise.allSettled([...this.#sent, commit])
    const { command } = await commit
    if (command === 'COMMIT') {
      this.hasPeers = alone !== undefined && !(await alone)
      return
    }
    // A transaction in which a statement failed is rolled back by its COMMIT.
    this.commitSent = false
    throw answers.find((answer) => answer.status === 'rejected')?.reason ?? new Error(command)
  }

  /** Asked after the commit: a node that is not seen here joins later, and reads what was committed then. */
  async #isAlone(): Promise<boolean> {
    const { text, values } = readPeers(this.#nodeId)
    try {
      return (await this.#session.query(text, values)).rows.length === 0
    } catch {
      return false
    }
  }

  #keep(tx: PostgresTransaction): void {
    this.#wrote ||= tx.wrote
    this.#counters = tx.counters
    for (const change of tx.changes) this.changes.push(change)
    for (const entry of tx.outbox) this.outbox.push(entry)
  }

  #sendStatement({ text, values }: Statement): void {
    this.#watch(this.#session.query(text, values))
  }

  #send(text: string): void {
    this.#watch(this.#session.query(text, []))
  }

  /** A failure shows at the commit, which then rolls back. */
  #watch(answer: Promise<ResultRows>): void {
    answer.catch(() => undefined)
    this.#sent.push(answer)
  }
}

/**
 * Begins a transaction and locks the counter of epochs. READ COMMITTED is enough, because nobody else
 * writes meanwhile, and it never fails for what committed while this one waited for the lock.
 */
async function lockStore(session: Session, nodeId: string, held?: string): Promise<Standing> {
  const writer = readWriter(nodeId, held)
  const [begun, locked, written] = await Promise.allSettled([
    session.query('BEGIN ISOLATION LEVEL READ COMMITTED'),
    session.query(LOCK_EPOCH, []),
    session.query(writer.text, writer.values),
  ])
  for (const answer of [begun, locked, written]) {
    if (answer.status === 'rejected') throw answer.reason
  }
  const epochs = locked.status === 'fulfilled' ? locked.value.rows : []
  const writers = written.status === 'fulfilled' ? written.value.rows : []
  return {
    epoch: numberOf(epochs),
    batch: numberOf(writers),
    outboxId: numberOf(writers, 1),
    incarnation: numberOf(writers, 2),
    held: settingOf(writers, 3),
  }
}

/**
 * Where the store stands now. A commit that is still under way has ended when this resolves: it held
 * the lock that this waits for. Where standbys are waited for, they have it, too: a server that was
 * interrupted while it waited shows what it has committed, and this asks by a commit of its own.
 */
export async function standingOf(connections: Connections, nodeId: string): Promise<Standing> {
  const session = await connections.openSession()
  try {
    const standing = await lockStore(session, nodeId)
    await session.query('COMMIT')
    return standing
  } finally {
    await session.close()
  }
}
