import type { DatabaseSync } from 'node:sqlite'
import { DependencyError, OperatorError } from '../../core/errors.ts'
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
import { assertEntryLimit, assertOutboxId, FEED_ENTRIES_MAX } from '../row-shape.ts'
import { Checkpoints } from './checkpoints.ts'
import { openConnection, setBusyTimeout } from './connection.ts'
import { EmbeddedSnapshot } from './embedded-snapshot.ts'
import { FeedSql, type ForeignOutbox } from './feed-sql.ts'
import { GroupCommit, type StoreCommit } from './group-commit.ts'
import { checkSchema, MIGRATIONS, type Migration, migrate } from './migrations.ts'
import { TablesSql } from './row-sql.ts'
import { SharedFile } from './shared-file.ts'
import { fromSqlite, SQLITE_NOTADB, sqliteCode } from './sqlite-error.ts'
import { assertStoreFile, prepareStoreFile } from './store-file.ts'
import { WriteTurn } from './write-turn.ts'

/** How long a read waits where processes share a file: only while one of them puts it in order after a crash. */
const READ_WAIT_MS = 100
/** What `strongroom status` says about damage, at most. */
const FINDINGS_MAX = 100

export interface EmbeddedStoreOptions {
  readonly file: string
  readonly tables: readonly TableSchema[]
  /** For looking at the store of a stopped or running node; nothing can be written. */
  readonly readOnly?: boolean
  /** The schema's steps, where a test needs others than the program's. */
  readonly migrations?: readonly Migration[]
  /** Refuses to let the file grow beyond so many pages of 4 KiB: a full disk, for a test. */
  readonly pagesMax?: number
  /** Told of each commit, for metrics. */
  readonly onCommitted?: ((commit: StoreCommit) => void) | undefined
  /** Whose outbox it is; absent: the node's in whose data folder the file is. */
  readonly nodeId?: string | undefined
  /** Where other processes write the file while this one serves from it. */
  readonly sharing?: FileSharing | undefined
}

/** What a process that is not the only one to write the file wants to hear of. */
export interface FileSharing {
  /** What it holds of the store; absent where it holds nothing. */
  readonly held?: HeldSetting | undefined
  /** Others have changed so much meanwhile that it has dropped all that it had cached. */
  readonly onForgotten: () => void
  /** It can never again follow the others, and has to be started anew. */
  readonly onEnd: (error: Error) => void
  /** The file cannot be read: nothing is served from the caches meanwhile. Told once until it can again. */
  readonly onTrouble: (error: unknown) => void
  /** A sync has failed: no process may write any more. It keeps the others from it for as long as it lives. */
  readonly onSyncFailure: () => void
  /** How long a commit waits for other processes, in milliseconds; 12,000 when absent. */
  readonly patienceMs?: number
}

/** A `RowStore` in one SQLite file. Reads are synchronous inside: they settle without a turn of the event loop. */
export interface EmbeddedStore extends RowStore {
  /** The number of the newest migration. */
  readonly schemaVersion: number
  /** Whether this opening found an empty file and set the schema up. */
  readonly created: boolean
  /**
   * Reads the whole file and says what is wrong with its structure: pages, order, indexes that do
   * not match their rows. Blocks while it reads. Empty when all is well; at most 100 findings.
   */
  checkStructure(): readonly string[]
  /** Whether what is cached of the store is true; absent where no other process writes it. */
  readonly freshness: Pick<SharedFile, 'isFresh' | 'whenFresh'> | undefined
  /** Writes nothing more: a sync of another process has failed, and what it knows of the disk holds for this one. */
  giveUpWriting(): void
  /** What other nodes have left in their outboxes, or are about to deliver. */
  foreignOutboxes(): readonly ForeignOutbox[]
  /** The oldest entries in the outbox of another node. */
  foreignOutbox(nodeId: string): readonly OutboxEntry[]
  /**
   * Takes over what a node that is gone has left, for this node's log.
   * @param isDelivered ids of entries that are in its own log
   * @returns the others under their new ids, in this node's outbox
   */
  adoptOutbox(nodeId: string, isDelivered: ReadonlySet<number>): Promise<readonly OutboxEntry[]>
}

interface Connections {
  /** Absent when the store is open for reading only. */
  readonly writer: DatabaseSync | undefined
  /** Sees what is committed. */
  readonly reader: DatabaseSync
}

class SqliteStore implements EmbeddedStore {
  readonly schemaVersion: number
  readonly created: boolean
  readonly #file: string
  readonly #schemas: readonly TableSchema[]
  readonly #connections: Connections
  readonly #tables: TablesSql
  readonly #feed: FeedSql
  readonly #listeners = new CommitListeners()
  /** Absent when the store is open for reading only. */
  readonly #commits: GroupCommit | undefined
  readonly freshness: SharedFile | undefined
  #closing: Promise<void> | undefined

  constructor(
    options: EmbeddedStoreOptions,
    connections: Connections,
    schema: { readonly schemaVersion: number; readonly created: boolean },
  ) {
    const { file, tables, nodeId = null, sharing, onCommitted } = options
    const { reader, writer } = connections
    this.#file = file
    this.#schemas = tables
    this.schemaVersion = schema.schemaVersion
    this.created = schema.created
    this.#connections = connections
    this.#tables = new TablesSql(reader, tables)
    this.#feed = new FeedSql(reader, nodeId)
    const listeners = this.#listeners
    if (writer === undefined) return
    if (sharing !== undefined) {
      this.freshness = new SharedFile({ reader, feed: this.#feed, listeners, ...sharing })
    }
    this.#commits = new GroupCommit({
      db: writer,
      tables: new TablesSql(writer, tables),
      feed: new FeedSql(writer, nodeId),
      listeners,
      onCommitted,
      shared: this.freshness &&
        sharing && {
          file: this.freshness,
          checkpoints: new Checkpoints(writer),
          turn: new WriteTurn({ db: writer, patienceMs: sharing.patienceMs }),
          onSyncFailure: sharing.onSyncFailure,
        },
    })
  }

  async get(table: TableSchema, key: readonly string[]): Promise<Row | undefined> {
    return this.#read('read a row', () => this.#tables.of(table).get(key))
  }

  async page(table: TableSchema, query: PageQuery): Promise<Row[]> {
    return this.#read('read a page', () => this.#tables.of(table).page(query))
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
    return this.#read('count rows', () => this.#tables.of(table).count(index, equals, atMost))
  }

  async setting(name: string): Promise<string | undefined> {
    return this.#read('read a setting', () => this.#feed.setting(name))
  }

  transaction<T>(work: (tx: RowTransaction) => Promise<T>): Promise<T> {
    if (this.#commits === undefined) return Promise.reject(readOnlyRefusal())
    return this.#commits.submit(work)
  }

  async snapshot<T>(work: (snapshot: RowSnapshot) => Promise<T>): Promise<T> {
    const snapshot = this.#read('open a snapshot', () => {
      const db = openConnection(this.#file, true)
      try {
        return new EmbeddedSnapshot(db, this.#schemas)
      } catch (error) {
        db.close()
        throw error
      }
    })
    try {
      return await work(snapshot)
    } finally {
      snapshot.close()
    }
  }

  async load(table: TableSchema, rows: readonly Row[]): Promise<void> {
    if (this.#commits === undefined) throw readOnlyRefusal()
    await this.#commits.load(table, rows)
  }

  async loadOutbox(entries: readonly OutboxEntry[]): Promise<void> {
    if (this.#commits === undefined) throw readOnlyRefusal()
    await this.#commits.loadOutbox(entries)
  }

  onCommit(listener: (news: CommitNews) => void): void {
    this.#listeners.add(listener)
  }

  async epoch(): Promise<number> {
    return this.#read('read the epoch', () => this.#feed.counters().epoch)
  }

  async changesSince(epoch: number, limit: number): Promise<Change[]> {
    assertEntryLimit(limit)
    return this.#read('read the change feed', () => this.#feed.changesSince(epoch, limit))
  }

  async trimChanges(epoch: number): Promise<void> {
    if (this.#commits === undefined) throw readOnlyRefusal()
    await this.#commits.trimChanges(epoch)
  }

  async outbox(afterId: number, limit: number): Promise<OutboxEntry[]> {
    assertEntryLimit(limit)
    return this.#read('read the outbox', () => this.#feed.outbox(afterId, limit))
  }

  async raiseOutbox(atLeast: number): Promise<void> {
    assertOutboxId(atLeast)
    if (this.#commits === undefined) throw readOnlyRefusal()
    await this.#commits.raiseOutbox(atLeast)
  }

  outboxDelivered(ids: readonly number[]): void {
    this.#commits?.delivered(ids)
  }

  giveUpWriting(): void {
    this.#commits?.giveUp()
  }

  foreignOutboxes(): readonly ForeignOutbox[] {
    return this.#read('read the outboxes', () => this.#feed.foreignOutboxes())
  }

  foreignOutbox(nodeId: string): readonly OutboxEntry[] {
    return this.#read('read an outbox', () => this.#feed.outboxOf(nodeId, 0, FEED_ENTRIES_MAX))
  }

  async adoptOutbox(
    nodeId: string,
    isDelivered: ReadonlySet<number>,
  ): Promise<readonly OutboxEntry[]> {
    if (this.#commits === undefined) throw readOnlyRefusal()
    return this.#commits.adopt(nodeId, isDelivered)
  }

  checkStructure(): readonly string[] {
    return this.#read('check its structure', () =>
      this.#connections.reader
        .prepare(`PRAGMA integrity_check(${FINDINGS_MAX})`)
        .all()
        .map((row) => String(row['integrity_check']))
        .filter((finding) => finding !== 'ok'),
    )
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#commits?.close()
    // The reader first: the last connection to close empties the write-ahead log into the file,
    // and only the writer may.
    this.#connections.reader.close()
    this.#connections.writer?.close()
  }

  #read<T>(doing: string, read: () => T): T {
    if (!this.#connections.reader.isOpen) throw new DependencyError('the store is closed')
    try {
      return read()
    } catch (error) {
      throw fromSqlite(error, doing)
    }
  }
}

const readOnlyRefusal = (): DependencyError =>
  new DependencyError('the store is open for reading only')

/**
 * Opens a store file, creates it where there is none, and brings its schema up to date. Takes
 * milliseconds however many rows there are: nothing is loaded.
 *
 * Several processes may have one store open; a write waits up to five seconds for another's, and blocks meanwhile. Where
 * they serve from it all the time, they say so (`sharing`).
 * @throws {OperatorError} for a missing folder, a file that is no database or another program's, a
 * store of a newer version
 * @throws {IntegrityError} for a damaged file and for a migration whose text is not this program's
 * @throws {DependencyError} when the disk or another process's lock prevents it
 */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<EmbeddedStore> {
  const { file, readOnly = false, migrations = MIGRATIONS } = options
  if (readOnly) assertStoreFile(file)
  else prepareStoreFile(file)
  const opened: DatabaseSync[] = []
  const open = (forReading: boolean): DatabaseSync => {
    const db = openConnection(file, forReading)
    opened.push(db)
    return db
  }
  try {
    if (readOnly) {
      const reader = open(true)
      const schemaVersion = checkSchema(reader, file, migrations)
      return new SqliteStore(
        options,
        { writer: undefined, reader },
        { schemaVersion, created: false },
      )
    }
    const writer = open(false)
    const schema = migrate(writer, file, migrations)
    if (options.pagesMax !== undefined) {
      writer.exec(`PRAGMA max_page_count = ${Math.trunc(options.pagesMax)}`)
    }
    const reader = open(true)
    if (options.sharing !== undefined) {
      // Whoever waits inside SQLite answers nobody meanwhile.
      setBusyTimeout(writer, 0)
      setBusyTimeout(reader, READ_WAIT_MS)
    }
    return new SqliteStore(options, { writer, reader }, schema)
  } catch (error) {
    for (const db of opened.toReversed()) db.close()
    throw notOpened(error, file)
  }
}

function notOpened(cause: unknown, file: string): unknown {
  if (sqliteCode(cause) === SQLITE_NOTADB) {
    return new OperatorError(
      `${file} is not a Strongroom store, or its beginning is damaged`,
      'check --data and --store; a damaged store is replaced by its backup',
      { cause },
    )
  }
  return fromSqlite(cause, `open ${file}`)
}
