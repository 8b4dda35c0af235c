/**
 * The storage port. Adapters (memory, embedded, PostgreSQL) implement `RowStore` and pass
 * `test/contract/row-store.ts`; they know rows, not what is in them. `storage/record-store.ts`
 * puts typed, authenticated records on top of any of them.
 */

export type ColumnValue = string | number | null

/** One table of records: declared once, beside its record type in `core/tables.ts`. */
export interface TableSchema {
  /** An SQL identifier. */
  readonly name: string
  /** Names of the key columns, all text. Together they are unique. */
  readonly key: readonly string[]
  /** Further columns, copies of what indexes need from the body. Nullable. */
  readonly columns: Readonly<Record<string, 'text' | 'integer'>>
  /**
   * Index name to its columns, in order. An index that a page may walk ends with enough key columns
   * to make the order total.
   */
  readonly indexes: Readonly<Record<string, readonly string[]>>
}

export interface Row {
  readonly key: readonly string[]
  /** 1 when inserted; each update adds one. */
  readonly version: number
  readonly columns: Readonly<Record<string, ColumnValue>>
  /** The record as JSON. */
  readonly body: string
  /** Wrapped secret bytes, or null. */
  readonly secret: Uint8Array | null
  /** Authenticates table, key, version, body and secret. */
  readonly mac: Uint8Array
}

export interface PageQuery {
  /** The index to walk, or `key` for the key itself. */
  readonly index: string
  /** Values of the first columns of the index; rows with other values are left out. */
  readonly equals: readonly (string | number)[]
  /** Values of the columns that follow `equals`: the page starts behind them. */
  readonly after?: readonly (string | number)[]
  /** Upper bound, inclusive, of the first column after `equals`. Rows with null there are left out. */
  readonly upTo?: string | number
  /** 1..10,000. */
  readonly limit: number
}

export interface RowReader {
  get(table: TableSchema, key: readonly string[]): Promise<Row | undefined>
  /** Rows in index order (text by code unit, integers by value). */
  page(table: TableSchema, query: PageQuery): Promise<Row[]>
  /** How many rows share the values of the first index columns; stops counting at `atMost`. */
  count(
    table: TableSchema,
    query: {
      readonly index: string
      readonly equals: readonly (string | number)[]
      readonly atMost: number
    },
  ): Promise<number>
  /** A named value of the whole store: custody, schema facts. Not authenticated: its writer does that. */
  setting(name: string): Promise<string | undefined>
}

/** Which record a committed transaction touched. */
export interface Change {
  readonly epoch: number
  /** Or `ANNOUNCED_SETTINGS`, with the name of a setting as the key. */
  readonly table: string
  readonly key: readonly string[]
}

/**
 * What commits have changed; `everything` where nobody can say any more what it was: then nothing
 * that was read before may be used again.
 */
export type CommitNews = readonly Change[] | 'everything'

/** What the change feed says for a table where a setting was announced; see `RowTransaction.announceSetting`. */
export const ANNOUNCED_SETTINGS = 'setting'

/**
 * A setting that every process on a store holds in memory, and that any of them may change with `announceSetting`. On a store that is
 * shared, what a process holds is what the store has whenever it writes, and from before the change returns where it was made.
 */
export interface HeldSetting {
  readonly name: string
  /**
   * Takes over what the store has now, undefined where it has none. @throws where that is not possible: the process then writes and
   * serves nothing more
   */
  take(value: string | undefined): void
}

export interface OutboxEntry {
  /** Grows with every entry of the store. */
  readonly id: number
  readonly frame: string
}

/** An entry of another process's outbox, on a store that several share. */
export interface OthersEntry extends OutboxEntry {
  /** Whose outbox it is in; ids are each node's own. */
  readonly nodeId: string
}

/** Everything of a store as of one commit: reads between others' commits all see the same. */
export interface RowSnapshot extends RowReader {
  readonly epoch: number
  /** Of the newest outbox entry there ever was. */
  readonly outboxId: number
  /** In the order of their names. */
  settings(): Promise<readonly { readonly name: string; readonly value: string }[]>
  /** As `RowStore.outbox`. */
  outbox(afterId: number, limit: number): Promise<readonly OutboxEntry[]>
  /** Entries of the outboxes of other processes, node by node, behind the one that is given. */
  othersOutbox(
    after: Omit<OthersEntry, 'frame'> | undefined,
    limit: number,
  ): Promise<readonly OthersEntry[]>
}

export interface RowTransaction extends RowReader {
  /** @throws {ConflictError} if the key is taken. */
  insert(table: TableSchema, row: Row): Promise<void>
  /** Replaces the row whose version is `row.version - 1`. @throws {ConflictError} if it is not there. */
  update(table: TableSchema, row: Row): Promise<void>
  /** @throws {ConflictError} unless the row is there with this version. */
  delete(table: TableSchema, key: readonly string[], version: number): Promise<void>
  setSetting(name: string, value: string): Promise<void>
  /** As `setSetting`, and leaves an entry in the change feed: for a `HeldSetting`. */
  announceSetting(name: string, value: string): Promise<void>
  /** Adds an audit frame that must reach the log before the transaction's caller is answered. Returns its id. */
  addOutbox(frame: string): Promise<number>
}

/**
 * A durable store of rows.
 *
 * - Reads outside a transaction see committed data only, and see every commit whose promise has resolved.
 * - Every insert, update, delete and announced setting leaves one entry in the change feed, in the same commit.
 */
export interface RowStore extends RowReader {
  /**
   * Runs `work` and commits what it did, atomically and durably once resolved. A rejection of `work`
   * undoes only its own changes and rejects with the same error; neighbours that share the commit are
   * not touched. `work` may run more than once (serialization retries) and must await nothing but
   * the transaction's own methods.
   * @throws {DependencyError} when the commit failed: nothing of it is visible.
   */
  transaction<T>(work: (tx: RowTransaction) => Promise<T>): Promise<T>
  /**
   * Reads all of the store as of one moment, while others go on changing it. `work` may wait for what it
   * likes; the snapshot is of no use once it has settled.
   */
  snapshot<T>(work: (snapshot: RowSnapshot) => Promise<T>): Promise<T>
  /**
   * Puts rows in as they stand, versions included: what comes from a backup or another store. For a store that
   * nobody serves from yet. Durable once resolved. @throws {ConflictError} if a key is taken: then none is in.
   */
  load(table: TableSchema, rows: readonly Row[]): Promise<void>
  /** As `load`, for outbox entries: they keep their ids, and later ones get greater ids. */
  loadOutbox(entries: readonly OutboxEntry[]): Promise<void>
  /**
   * Called with the changes of each commit, after it is durable and before `transaction` resolves; also
   * with those of other nodes' commits on a shared store, before the `transaction` that made them
   * resolves there. A commit may be told of twice. A shared store that cannot tell any more what others
   * have changed says so.
   */
  onCommit(listener: (news: CommitNews) => void): void
  /** The epoch of the newest commit; 0 when there is none. */
  epoch(): Promise<number>
  /**
   * Feed entries with an epoch greater than `epoch`, oldest first. An epoch is never split: the last one
   * comes whole, even where that makes a few more than `limit`.
   */
  changesSince(epoch: number, limit: number): Promise<Change[]>
  /** Forgets feed entries up to and including `epoch`. */
  trimChanges(epoch: number): Promise<void>
  /** Outbox entries with an id greater than `afterId`, oldest first. */
  outbox(afterId: number, limit: number): Promise<OutboxEntry[]>
  /**
   * Makes sure that entries to come get ids greater than `atLeast`: a store that was put back from a
   * backup must not give those out again that the log behind it has seen. Durable once resolved.
   */
  raiseOutbox(atLeast: number): Promise<void>
  /** Says that these entries are in the log. They are removed together with a later commit, or at close. */
  outboxDelivered(ids: readonly number[]): void
  close(): Promise<void>
}
