import { setTimeout as delay } from 'node:timers/promises'
import { assert } from '../../core/assert.ts'
import { DependencyError } from '../../core/errors.ts'
import type {
  Change,
  CommitNews,
  HeldSetting,
  OutboxEntry,
  PageQuery,
  Row,
  RowSnapshot,
  RowStore,
  RowTransaction,
  TableSchema,
} from '../../core/store.ts'
import { CommitListeners } from '../commit-listeners.ts'
import { HeldValue } from '../held-value.ts'
import { type Neighbour, SilentNodes } from '../neighbours.ts'
import { assertEntryLimit, assertOutboxId } from '../row-shape.ts'
import { CommitLane, type StoreCommit } from './commit-lane.ts'
import { Connections, type ResultRow, type Session } from './connections.ts'
import { FeedFollower } from './feed-follower.ts'
import {
  changeOf,
  LOCK_EPOCH,
  numberOf,
  outboxEntryOf,
  READ_EPOCH,
  readChanges,
  readOutbox,
  readSetting,
  settingOf,
  takeWriter,
} from './feed-sql.ts'
import { LEASE_MS, Lease } from './lease.ts'
import { type NodeMail, PostgresMail } from './node-mail.ts'
import { neighbourOf, readNeighbours } from './node-sql.ts'
import { PeerWatch } from './peer-watch.ts'
import { fromPostgres } from './postgres-error.ts'
import {
  checkSchema,
  type MigrationReport,
  migratePostgres,
  planMigration,
  type SchemaSteps,
} from './postgres-migrations.ts'
import { PostgresSnapshot } from './postgres-snapshot.ts'
import type { PostgresAddress } from './postgres-url.ts'
import { type Statement, TablesSql } from './row-sql.ts'

/** How long a commit is tried while the database is away. */
const PATIENCE_MS = 10_000
/** How long a node is silent before another one takes over its audit frames: far longer than it takes to start it again. */
const ADOPT_AFTER_MS = 600_000

/** Milliseconds that only grow. */
const elapsed = (): number => performance.now()

export interface PostgresStoreOptions {
  readonly address: PostgresAddress
  readonly tables: readonly TableSchema[]
  /**
   * Whose outbox it is. No two processes may have one id at a time: the later one takes it over, and
   * the earlier one can write nothing more.
   */
  readonly nodeId: string
  readonly readOnly?: false
  readonly held?: HeldSetting | undefined
  /** The schema's steps, where a test needs others than the program's. */
  readonly steps?: SchemaSteps
  /** How long a node is silent before its audit frames are adopted, in milliseconds; 600,000 when absent. */
  readonly adoptAfterMs?: number
  /** Told when others have changed so much meanwhile that this node has dropped all that it had cached. */
  readonly onForgotten?: () => void
  /** Told when this process can never again serve from the store, and has to be started anew. */
  readonly onEnd?: (error: Error) => void
  /** The wall clock, in milliseconds since 1970: it goes on while the machine sleeps. */
  readonly wall?: () => number
  /** Told of each commit, for metrics. */
  readonly onCommitted?: ((commit: StoreCommit) => void) | undefined
  /** How long a commit is tried while the database is away, in milliseconds; 10,000 when absent. */
  readonly patienceMs?: number
  /**
   * Told when a commit of which the callers heard that its outcome is unknown turns out to have
   * happened: with its audit frames, which nobody has appended to the log.
   */
  readonly onLateCommit?: (entries: readonly OutboxEntry[]) => void
}

/** For looking at a store beside the nodes that use it; nothing can be written. */
export interface PostgresReaderOptions {
  readonly address: PostgresAddress
  readonly tables: readonly TableSchema[]
  readonly readOnly: true
  readonly steps?: SchemaSteps
}

/** A `RowStore` in a PostgreSQL database that several nodes share; the outbox is this node's alone. */
export interface PostgresStore extends RowStore {
  /** Whether what this node has cached is true; absent where the store is open for reading only. */
  readonly lease: Pick<Lease, 'isFresh' | 'whenFresh'> | undefined
  /** The number of the newest migration. */
  readonly schemaVersion: number
  /** Absent where the store is open for reading only. */
  readonly mail: NodeMail | undefined
  /** The other nodes that use the store, or have used it. Takes seconds where one of them may have been killed. */
  neighbours(): Promise<readonly Neighbour[]>
  /**
   * Takes over the audit frames of nodes that have been silent for long, for this node's log. Asked now and then.
   * @returns the frames under their new ids, in this node's outbox
   */
  adoptOutboxes(): Promise<readonly OutboxEntry[]>
}

class SharedStore implements PostgresStore {
  readonly schemaVersion: number
  readonly #connections: Connections
  readonly #tables: TablesSql
  readonly #listeners: CommitListeners
  /** Absent when the store is open for reading only. */
  readonly #lane: CommitLane | undefined
  readonly #follower: FeedFollower | undefined
  readonly lease: Lease | undefined
  readonly mail: PostgresMail | undefined
  readonly #nodeId: string
  readonly #silent: SilentNodes
  #isClosed = false
  #closing: Promise<void> | undefined

  constructor(
    connections: Connections,
    options: PostgresStoreOptions | PostgresReaderOptions,
    opened: { readonly schemaVersion: number; readonly incarnation: number },
  ) {
    this.schemaVersion = opened.schemaVersion
    this.#connections = connections
    this.#tables = new TablesSql(options.tables)
    this.#listeners = new CommitListeners()
    this.#nodeId = options.readOnly ? '' : options.nodeId
    this.#silent = new SilentNodes(
      elapsed,
      options.readOnly ? Infinity : (options.adoptAfterMs ?? ADOPT_AFTER_MS),
    )
    if (options.readOnly) return
    const { nodeId, patienceMs = PATIENCE_MS } = options
    const held = options.held && new HeldValue(options.held)
    const node = { connections, nodeId, incarnation: opened.incarnation, held }
    this.lease = new Lease({ elapsed, wall: options.wall ?? elapsed })
    const mail = new PostgresMail(connections, nodeId, () => this.#follower?.isListening === true)
    this.mail = mail
    this.#follower = new FeedFollower({
      ...node,
      onNotice: (notice) => mail.told(notice),
      listeners: this.#listeners,
      lease: this.lease,
      onForgotten: options.onForgotten ?? (() => undefined),
      onEnd: options.onEnd ?? (() => undefined),
    })
    this.#lane = new CommitLane({
      ...node,
      tables: this.#tables,
      listeners: this.#listeners,
      follower: this.#follower,
      peers: new PeerWatch({ connections, nodeId, elapsed, patienceMs }),
      patienceMs,
      onCommitted: options.onCommitted,
      onLateCommit: options.onLateCommit ?? (() => undefined),
    })
  }

  /** Joins the nodes that live. */
  async join(): Promise<void> {
    await this.#follower?.start()
  }

  async neighbours(): Promise<readonly Neighbour[]> {
    const before = await this.#neighbours()
    if (!before.some(({ isLive }) => isLive)) return before
    // One that was killed has not said good-bye.
    await delay(LEASE_MS)
    const signs = new Map(before.map(({ nodeId, renewal }) => [nodeId, renewal]))
    return (await this.#neighbours()).map((one) => ({
      ...one,
      isLive: one.isLive && signs.get(one.nodeId) !== one.renewal,
    }))
  }

  async adoptOutboxes(): Promise<readonly OutboxEntry[]> {
    const adopted: OutboxEntry[] = []
    for (const nodeId of this.#silent.find(await this.#neighbours())) {
      adopted.push(...(await this.#writer().submit((tx) => tx.adopt(nodeId))))
    }
    return adopted
  }

  async #neighbours(): Promise<Neighbour[]> {
    const rows = await this.#read('read the nodes', readNeighbours(this.#nodeId))
    return rows.map(neighbourOf)
  }

  async get(table: TableSchema, key: readonly string[]): Promise<Row | undefined> {
    const sql = this.#tables.of(table)
    const [row] = await this.#read('read a row', sql.get(key))
    return row && sql.decode(row)
  }

  async page(table: TableSchema, query: PageQuery): Promise<Row[]> {
    const sql = this.#tables.of(table)
    const rows = await this.#read('read a page', sql.page(query))
    return rows.map((row) => sql.decode(row))
  }

  async count(
    table: TableSchema,
    query: {
      readonly index: string
      readonly equals: readonly (string | number)[]
      readonly atMost: number
    },
  ): Promise<number> {
    const { index, equals, atMost } = query
    const sql = this.#tables.of(table)
    return sql.decodeCount(await this.#read('count rows', sql.count(index, equals, atMost)))
  }

  async setting(name: string): Promise<string | undefined> {
    return settingOf(await this.#read('read a setting', readSetting(name)))
  }

  async transaction<T>(work: (tx: RowTransaction) => Promise<T>): Promise<T> {
    return this.#writer().submit(work)
  }

  async snapshot<T>(work: (snapshot: RowSnapshot) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new DependencyError('the store is closed')
    let snapshot: PostgresSnapshot
    const session = await this.#connections.openSession().catch((error: unknown) => {
      throw fromPostgres(error, 'open a snapshot')
    })
    try {
      snapshot = await PostgresSnapshot.begin(session, this.#tables, this.#nodeId)
    } catch (error) {
      await session.close()
      throw fromPostgres(error, 'open a snapshot')
    }
    try {
      return await work(snapshot)
    } finally {
      await snapshot.close()
    }
  }

  async load(table: TableSchema, rows: readonly Row[]): Promise<void> {
    await this.#writer().submit((tx) => tx.load(table, rows))
  }

  async loadOutbox(entries: readonly OutboxEntry[]): Promise<void> {
    await this.#writer().submit(async (tx) => tx.loadOutbox(entries))
  }

  onCommit(listener: (news: CommitNews) => void): void {
    this.#listeners.add(listener)
  }

  async epoch(): Promise<number> {
    return numberOf(await this.#read('read the epoch', { text: READ_EPOCH, values: [] }))
  }

  async changesSince(epoch: number, limit: number): Promise<Change[]> {
    assertEntryLimit(limit)
    const rows = await this.#read('read the change feed', readChanges(epoch, limit))
    return rows.map(changeOf)
  }

  async trimChanges(epoch: number): Promise<void> {
    await this.#writer().submit((tx) => tx.trimChanges(epoch))
  }

  async outbox(afterId: number, limit: number): Promise<OutboxEntry[]> {
    assertEntryLimit(limit)
    const rows = await this.#read('read the outbox', readOutbox(this.#nodeId, afterId, limit))
    return rows.map(outboxEntryOf)
  }

  async raiseOutbox(atLeast: number): Promise<void> {
    assertOutboxId(atLeast)
    await this.#writer().submit(async (tx) => tx.raiseOutbox(atLeast))
  }

  outboxDelivered(ids: readonly number[]): void {
    this.#lane?.delivered(ids)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#lane?.close()
    await this.#follower?.close()
    await this.mail?.left()
    this.#isClosed = true
    await this.#connections.close()
  }

  #writer(): CommitLane {
    if (this.#lane !== undefined) return this.#lane
    throw new DependencyError('the store is open for reading only')
  }

  async #read(doing: string, { text, values }: Statement): Promise<readonly ResultRow[]> {
    if (this.#isClosed) throw new DependencyError('the store is closed')
    try {
      return await this.#connections.read(text, values)
    } catch (error) {
      throw fromPostgres(error, doing)
    }
  }
}

/**
 * Opens a store in PostgreSQL for one node. Makes no tables: `migrateStore` does.
 * @throws {OperatorError} where the schema is not one that this program works on
 * @throws {DependencyError} where the database cannot be reached
 */
export async function openPostgresStore(
  options: PostgresStoreOptions | PostgresReaderOptions,
): Promise<PostgresStore> {
  const connections = new Connections(options.address)
  try {
    const session = await connections.openSession()
    try {
      const { version } = await checkSchema(session, options.steps)
      const incarnation = options.readOnly ? 0 : await takeName(session, options.nodeId)
      const opened = { schemaVersion: version, incarnation }
      const store = new SharedStore(connections, options, opened)
      await store.join()
      return store
    } finally {
      await session.close()
    }
  } catch (error) {
    await connections.close()
    throw fromPostgres(error, `open the store ${options.address.label}`)
  }
}

/** Under the lock of the writers: a process that had the name has then committed, or will find it taken. */
async function takeName(session: Session, nodeId: string): Promise<number> {
  const take = takeWriter(nodeId)
  await session.query('BEGIN ISOLATION LEVEL READ COMMITTED')
  await session.query(LOCK_EPOCH, [])
  const { rows } = await session.query(take.text, take.values)
  const { command } = await session.query('COMMIT')
  assert(command === 'COMMIT', 'a transaction of which every statement succeeded commits')
  return numberOf(rows)
}

/** Brings the schema of a store in PostgreSQL up to date; see `migratePostgres`. */
export const migrateStore = (
  address: PostgresAddress,
  steps?: SchemaSteps,
): Promise<MigrationReport> =>
  inSession(address, (session) => migratePostgres(session, address.schema, steps))

/** Says what `migrateStore` would do. */
export const planStoreMigration = (
  address: PostgresAddress,
  steps?: SchemaSteps,
): Promise<MigrationReport> => inSession(address, (session) => planMigration(session, steps))

async function inSession<T>(
  address: PostgresAddress,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const connections = new Connections(address)
  try {
    const session = await connections.openSession()
    try {
      return await work(session)
    } finally {
      await session.close()
    }
  } catch (error) {
    throw fromPostgres(error, `migrate the store ${address.label}`)
  } finally {
    await connections.close()
  }
}
