import type { Secret } from './secret.ts'
import type { CommitNews, PageQuery } from './store.ts'
import type { Table } from './tables.ts'

/** A record as it was loaded: its MAC has been checked. The same object for as long as a cache holds it. */
export interface Stored<R> {
  readonly record: R
  readonly version: number
  /** Wrapped; `Records.unwrap` opens it. */
  readonly secret: Uint8Array | null
}

/**
 * Records of one table in the order of an index, of which a reader sees only a part. What it sees may be kept
 * in memory far longer than whole records.
 */
export interface Listing<R, Entry> {
  readonly table: Table<R>
  /** An index that holds the whole key and ends with a part of it, or `key` itself. */
  readonly index: string
  entryOf(record: R): Entry
  /** The value of the last column of the index: where the entry stands. Never empty. */
  placeOf(entry: Entry): string
}

export interface ListingQuery {
  /** Values of all columns of the index but the last. */
  readonly equals: readonly string[]
  /** The page starts behind this place. */
  readonly after?: string | undefined
  /** 1..10,000. */
  readonly limit: number
}

/** Typed reads. A record that was altered outside Strongroom rejects with `IntegrityError`. */
export interface Records {
  /** The record if it is at hand without waiting, as it is on the path of most calls; undefined says nothing. */
  peek<R>(table: Table<R>, key: readonly string[]): Stored<R> | undefined
  find<R>(table: Table<R>, key: readonly string[]): Promise<Stored<R> | undefined>
  page<R>(table: Table<R>, query: PageQuery): Promise<readonly Stored<R>[]>
  list<R, Entry>(listing: Listing<R, Entry>, query: ListingQuery): Promise<readonly Entry[]>
  count<R>(
    table: Table<R>,
    query: {
      readonly index: string
      readonly equals: readonly (string | number)[]
      readonly atMost: number
    },
  ): Promise<number>
  /** The record's secret, opened; the caller owns it. @throws {IntegrityError} also when it has none. */
  unwrap<R>(table: Table<R>, stored: Stored<R>): Secret
}

export interface RecordsTransaction extends Records {
  /** `secret` is wrapped, not consumed. @throws {ConflictError} if the key is taken. */
  insert<R>(table: Table<R>, record: R, secret?: Secret): Promise<void>
  /** Replaces `stored`, keeping its secret unless a new one is given. @throws {ConflictError} if it changed meanwhile. */
  update<R>(table: Table<R>, stored: Stored<R>, record: R, secret?: Secret): Promise<void>
  /** @throws {ConflictError} if it changed meanwhile. */
  remove<R>(table: Table<R>, stored: Stored<R>): Promise<void>
  /** See `RowTransaction.addOutbox`. */
  addOutbox(frame: string): Promise<number>
}

/** The store as the rest of the program sees it: typed, authenticated, cached. */
export interface RecordStore extends Records {
  /** See `RowStore.transaction`. Reads inside see the transaction's own writes and bypass the cache. */
  transaction<T>(work: (tx: RecordsTransaction) => Promise<T>): Promise<T>
  /** After the caches have been brought up to date with a commit. */
  onCommit(listener: (news: CommitNews) => void): void
}
