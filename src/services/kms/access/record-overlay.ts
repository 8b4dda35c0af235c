import type { Listing, ListingQuery, Records, Stored } from '../../../core/records.ts'
import type { Table } from '../../../core/tables.ts'

const placeOf = (table: string, key: readonly string[]): string => JSON.stringify([table, ...key])

/**
 * The records as they would be if some were others, found by their key alone: listings are as they are.
 * Nothing is held of what is read through it.
 */
export class RecordOverlay implements Records {
  readonly #below: Records
  readonly #above = new Map<string, Stored<unknown>>()

  constructor(below: Records) {
    this.#below = below
  }

  put<R>(table: Table<R>, record: R): void {
    const place = placeOf(table.schema.name, table.keyOf(record))
    this.#above.set(place, { record, version: 0, secret: null })
  }

  peek<R>(table: Table<R>, key: readonly string[]): Stored<R> | undefined {
    return this.#aboveOf(table, key) ?? this.#below.peek(table, key)
  }

  async find<R>(table: Table<R>, key: readonly string[]): Promise<Stored<R> | undefined> {
    return this.#aboveOf(table, key) ?? this.#below.find(table, key)
  }

  page<R>(table: Table<R>, query: Parameters<Records['page']>[1]): Promise<readonly Stored<R>[]> {
    return this.#below.page(table, query)
  }

  list<R, Entry>(listing: Listing<R, Entry>, query: ListingQuery): Promise<readonly Entry[]> {
    return this.#below.list(listing, query)
  }

  count<R>(table: Table<R>, query: Parameters<Records['count']>[1]): Promise<number> {
    return this.#below.count(table, query)
  }

  unwrap<R>(table: Table<R>, stored: Stored<R>): ReturnType<Records['unwrap']> {
    return this.#below.unwrap(table, stored)
  }

  #aboveOf<R>(table: Table<R>, key: readonly string[]): Stored<R> | undefined {
    // `put` has kept a record of this very table under this place.
    return this.#above.get(placeOf(table.schema.name, key)) as Stored<R> | undefined
  }
}
