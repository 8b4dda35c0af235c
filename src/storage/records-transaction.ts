import type { Listing, ListingQuery, RecordsTransaction, Stored } from '../core/records.ts'
import type { Secret } from '../core/secret.ts'
import type { PageQuery, RowTransaction } from '../core/store.ts'
import type { Table } from '../core/tables.ts'
import { readListing } from './cached-listings.ts'
import { assertSameKey, type RecordCodec } from './record-codec.ts'

/** Typed reads and writes of one unit of work. Knows no cache: it must see its own writes. */
export class StoreTransaction implements RecordsTransaction {
  readonly #rows: RowTransaction
  readonly #codec: RecordCodec

  constructor(rows: RowTransaction, codec: RecordCodec) {
    this.#rows = rows
    this.#codec = codec
  }

  /** Nothing is at hand inside a transaction: it reads what it sees. */
  peek(): undefined {
    return undefined
  }

  async find<R>(table: Table<R>, key: readonly string[]): Promise<Stored<R> | undefined> {
    const row = await this.#rows.get(table.schema, key)
    return row && this.#codec.decode(table, key, row)
  }

  async page<R>(table: Table<R>, query: PageQuery): Promise<readonly Stored<R>[]> {
    const rows = await this.#rows.page(table.schema, query)
    return rows.map((row) => this.#codec.decode(table, row.key, row))
  }

  list<R, Entry>(listing: Listing<R, Entry>, query: ListingQuery): Promise<readonly Entry[]> {
    return readListing(this, listing, query)
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

  async insert<R>(table: Table<R>, record: R, secret?: Secret): Promise<void> {
    const wrapped = secret ? this.#codec.wrap(table, record, secret) : null
    await this.#rows.insert(table.schema, this.#codec.encode(table, record, 1, wrapped))
  }

  async update<R>(table: Table<R>, stored: Stored<R>, record: R, secret?: Secret): Promise<void> {
    assertSameKey(table, stored.record, record)
    const wrapped = secret ? this.#codec.wrap(table, record, secret) : stored.secret
    const row = this.#codec.encode(table, record, stored.version + 1, wrapped)
    await this.#rows.update(table.schema, row)
  }

  remove<R>(table: Table<R>, stored: Stored<R>): Promise<void> {
    return this.#rows.delete(table.schema, table.keyOf(stored.record), stored.version)
  }

  addOutbox(frame: string): Promise<number> {
    return this.#rows.addOutbox(frame)
  }
}
