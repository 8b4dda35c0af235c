import { timingSafeEqual } from 'node:crypto'
import type { RecordGuard } from '../core/record-guard.ts'
import type {
  Listing,
  ListingQuery,
  RecordStore,
  RecordsTransaction,
  Stored,
} from '../core/records.ts'
import type { Secret } from '../core/secret.ts'
import type { CommitNews, PageQuery, Row, RowStore } from '../core/store.ts'
import { TABLES, type Table } from '../core/tables.ts'
import { CachedListings } from './cached-listings.ts'
import { CommitListeners } from './commit-listeners.ts'
import { RecordCache } from './record-cache.ts'
import { type LoadedRecord, RecordCodec, UnknownKeyError } from './record-codec.ts'
import { type RecordProblem, type RewriteOptions, rewriteRows, verifyRows } from './record-sweep.ts'
import { StoreTransaction } from './records-transaction.ts'
import { joinRowKey } from './row-key.ts'

/** How a cache has served since it was made, and what it holds. */
export interface RecordCacheStats {
  readonly hits: number
  readonly misses: number
  readonly entries: number
}

/** The record store, with what its owner (the composition root) may do besides. */
export interface CachedRecordStore extends RecordStore {
  /** See `rewriteRows`: for the rotation of a domain key. */
  rewriteAll(options: RewriteOptions): Promise<number>
  /** See `verifyRows`: for `status` and checks. */
  verifyAll(onProblem: (problem: RecordProblem) => void): Promise<number>
  stats(): RecordCacheStats
}

export interface RecordStoreOptions {
  readonly rows: RowStore
  readonly guard: RecordGuard
  /** How many records the cache holds at most; about 1.5 KB of memory each. */
  readonly cacheRecords: number
  /** The tables that sweeps walk; all when absent. */
  readonly tables?: readonly Table<never>[]
}

/** A read of one record that has not finished. */
interface Load {
  readonly result: Promise<LoadedRecord<unknown> | undefined>
  /** Overtaken: a commit touched the record since. What the read brings is answered, but not kept. */
  readonly progress: { overtaken: boolean }
}

class AuthenticatedRecordStore implements CachedRecordStore {
  readonly #rows: RowStore
  readonly #codec: RecordCodec
  readonly #tables: readonly Table<never>[]
  readonly #cache: RecordCache<LoadedRecord<unknown>>
  readonly #loads = new Map<string, Load>()
  readonly #listings = new CachedListings(this)
  readonly #listeners = new CommitListeners()
  /** Grows with each commit, so that a read across one can be told. */
  #generation = 0
  #hits = 0
  #misses = 0

  constructor({ rows, guard, cacheRecords, tables = TABLES }: RecordStoreOptions) {
    this.#rows = rows
    this.#codec = new RecordCodec(guard)
    this.#tables = tables
    this.#cache = new RecordCache(cacheRecords)
    rows.onCommit((news) => this.#apply(news))
  }

  peek<R>(table: Table<R>, key: readonly string[]): Stored<R> | undefined {
    const hit = this.#cached(table, key)
    // Who finds nothing here asks `find` next, where it is counted.
    if (hit !== undefined) this.#hits++
    return hit
  }

  // Not async: a hit must cost a lookup and a settled promise, no more.
  find<R>(table: Table<R>, key: readonly string[]): Promise<Stored<R> | undefined> {
    const hit = this.#cached(table, key)
    if (hit === undefined) {
      this.#misses++
      return this.#load(table, key)
    }
    this.#hits++
    return Promise.resolve(hit)
  }

  page<R>(table: Table<R>, query: PageQuery): Promise<readonly Stored<R>[]> {
    return this.#underPresentKeys(() => this.#page(table, query))
  }

  async #page<R>(table: Table<R>, query: PageQuery): Promise<readonly Stored<R>[]> {
    const generation = this.#generation
    const rows = await this.#rows.page(table.schema, query)
    return rows.map((row) => {
      const hit = this.#cached(table, row.key)
      if (hit !== undefined && isSameRow(hit, row)) return hit
      const loaded = this.#codec.decode(table, row.key, row)
      if (generation === this.#generation && hit === undefined) {
        this.#cache.offer(table.schema.name, row.key, loaded)
      }
      return loaded
    })
  }

  list<R, Entry>(listing: Listing<R, Entry>, query: ListingQuery): Promise<readonly Entry[]> {
    return this.#listings.list(listing, query)
  }

  count<R>(
    table: Table<R>,
    query: {
      readonly index: string
      readonly equals: readonly (string | number)[]
      readonly atMost: number
    },
  ): Promise<number> {
    return this.#rows.count(table.schema, query)
  }

  unwrap<R>(table: Table<R>, stored: Stored<R>): Secret {
    return this.#codec.unwrap(table, stored)
  }

  transaction<T>(work: (tx: RecordsTransaction) => Promise<T>): Promise<T> {
    return this.#rows.transaction((tx) => work(new StoreTransaction(tx, this.#codec)))
  }

  onCommit(listener: (news: CommitNews) => void): void {
    this.#listeners.add(listener)
  }

  rewriteAll(options: RewriteOptions): Promise<number> {
    return rewriteRows(this.#rows, this.#codec, this.#tables, options)
  }

  verifyAll(onProblem: (problem: RecordProblem) => void): Promise<number> {
    return verifyRows(this.#rows, this.#codec, this.#tables, onProblem)
  }

  stats(): RecordCacheStats {
    return { hits: this.#hits, misses: this.#misses, entries: this.#cache.size }
  }

  #cached<R>({ schema }: Table<R>, key: readonly string[]): LoadedRecord<R> | undefined {
    // Only decoding with that table put the record under its name: it is an R.
    return this.#cache.get(schema.name, key) as LoadedRecord<R> | undefined
  }

  #load<R>(table: Table<R>, key: readonly string[]): Promise<LoadedRecord<R> | undefined> {
    const joined = joinRowKey(table.schema.name, key)
    const going = this.#loads.get(joined)
    // The joined key names the table, so the load decodes an R.
    if (going !== undefined) return going.result as Promise<LoadedRecord<R> | undefined>
    const progress = { overtaken: false }
    const read = async (): Promise<LoadedRecord<R> | undefined> => {
      try {
        const loaded = await this.#underPresentKeys(async () => {
          const row = await this.#rows.get(table.schema, key)
          return row && this.#codec.decode(table, key, row)
        })
        if (loaded === undefined) return undefined
        if (!progress.overtaken) this.#cache.set(table.schema.name, key, loaded)
        return loaded
      } finally {
        // Overtaken, the place may belong to the next load already.
        if (!progress.overtaken) this.#loads.delete(joined)
      }
    }
    const result = read()
    this.#loads.set(joined, { progress, result })
    return result
  }

  /**
   * Reads again, with the keys that the store has now, where a row is under a key that is not known here: it may have
   * been read across a rotation on another node, by a call that was under way while this one was cut off.
   */
  async #underPresentKeys<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof UnknownKeyError)) throw error
      const rethrow = (): never => {
        throw error
      }
      // Whoever holds keys takes over those of the store with any transaction.
      await this.#rows.transaction(() => Promise.resolve()).catch(rethrow)
      return read()
    }
  }

  #apply(news: CommitNews): void {
    this.#generation++
    this.#listings.apply(news)
    if (news === 'everything') {
      this.#cache.clear()
      for (const joined of this.#loads.keys()) this.#overtake(joined)
    } else {
      for (const { table, key } of news) {
        this.#cache.delete(table, key)
        this.#overtake(joinRowKey(table, key))
      }
    }
    this.#listeners.tell(news)
  }

  /** Whoever asks from now on must not be given what was read before a commit. */
  #overtake(joined: string): void {
    const load = this.#loads.get(joined)
    if (load === undefined) return
    load.progress.overtaken = true
    this.#loads.delete(joined)
  }
}

/** Whether a cached record came from this very row, so that checking it again would tell nothing new. */
function isSameRow(hit: LoadedRecord<unknown>, row: Row): boolean {
  return (
    hit.version === row.version &&
    hit.mac.length === row.mac.length &&
    timingSafeEqual(hit.mac, row.mac)
  )
}

/** Puts typed, authenticated and cached records on top of a row store; see `RecordStore`. */
export function createRecordStore(options: RecordStoreOptions): CachedRecordStore {
  return new AuthenticatedRecordStore(options)
}
