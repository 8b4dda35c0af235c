import type { RecordGuard } from '../core/record-guard.ts'
import type { Listing, ListingQuery, Records, Stored } from '../core/records.ts'
import type { Secret } from '../core/secret.ts'
import type { PageQuery, RowSnapshot } from '../core/store.ts'
import type { Table } from '../core/tables.ts'
import { readListing } from './cached-listings.ts'
import { RecordCodec } from './record-codec.ts'

/** Typed, authenticated reads of a snapshot. Nothing is cached: a snapshot is read through once. */
export class SnapshotRecords implements Records {
  readonly #rows: RowSnapshot
  readonly #codec: RecordCodec

  constructor(rows: RowSnapshot, guard: RecordGuard) {
    this.#rows = rows
    this.#codec = new RecordCodec(guard)
  }

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
}
