import { assert } from '../core/assert.ts'
import type { Listing, ListingQuery, Records } from '../core/records.ts'
import type { CommitNews } from '../core/store.ts'
import { CachedListing, type ListingChange, type ListingLoad } from './cached-listing.ts'
import { joinRowKey } from './row-key.ts'
import { indexColumns } from './row-shape.ts'

/** Of all listings together; one is some 100 bytes. */
const ENTRIES_MAX = 400_000
/** What a listing weighs by itself, in entries. */
const LISTING_WEIGHT = 16
/** Rows that are read together, so that the next pages are there as well. */
const LOAD_ROWS = 256
/** How often a page is put together from what is known, before it is read from the store as it is. */
const ATTEMPTS = 32

/** A listing with certain values of its first columns. */
interface Place<R, Entry> {
  readonly listing: Listing<R, Entry>
  readonly cached: CachedListing<Entry>
  /** Where a record with this key stands; undefined where the key tells that it is not of this listing. */
  readonly placeOf: (key: readonly string[]) => string | undefined
  /** Whether a record is of this listing. */
  readonly holds: (record: R) => boolean
}

/** Of a listing that is not known here. */
type AnyPlace = Place<never, unknown>

type PageReader = Pick<Records, 'page'>

/**
 * Listings, kept in memory as far as they have been read. It hears of a commit before anybody else does, and
 * looks up what that has touched before the next page with it is told. What is in memory was read with its MAC
 * checked, as a cached record was.
 */
export class CachedListings {
  readonly #records: Pick<Records, 'page' | 'find'>
  /** By table, index and values; those used last stand at the end. */
  readonly #places = new Map<string, AnyPlace>()
  readonly #entriesMax: number

  constructor(records: Pick<Records, 'page' | 'find'>, entriesMax = ENTRIES_MAX) {
    this.#records = records
    this.#entriesMax = entriesMax
  }

  async list<R, Entry>(listing: Listing<R, Entry>, query: ListingQuery): Promise<readonly Entry[]> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      // Asked for anew each time: what has been forgotten meanwhile hears of no commit any more.
      const place = this.#placeOf(listing, query.equals)
      const found = place.cached.read(query.after ?? '', query.limit)
      if ('wanted' in found) await this.#load(place.cached, listing, query.equals, found)
      else if ('changes' in found) await this.#settle(place, listing, found.changes)
      else return found
    }
    return readListing(this.#records, listing, query)
  }

  apply(news: CommitNews): void {
    if (news === 'everything') return this.#places.clear()
    for (const { table, key } of news) {
      for (const { listing, cached, placeOf } of this.#places.values()) {
        if (listing.table.schema.name !== table) continue
        const place = placeOf(key)
        if (place !== undefined) cached.touch({ place, key })
      }
    }
  }

  async #load<R, Entry>(
    cached: CachedListing<Entry>,
    listing: Listing<R, Entry>,
    equals: readonly string[],
    load: ListingLoad,
  ): Promise<void> {
    const { after, upTo, wanted } = load
    const limit = Math.max(wanted, LOAD_ROWS)
    try {
      const entries = await readListing(this.#records, listing, { equals, after, limit }, upTo)
      cached.endLoad(load, entries, entries.length < limit)
    } catch (error) {
      cached.endLoad(load)
      throw error
    }
    this.#makeRoom()
  }

  /** Looks up what has changed, record by record. */
  async #settle<R, Entry>(
    { cached, holds }: Place<R, Entry>,
    { table, entryOf }: Listing<R, Entry>,
    changes: readonly ListingChange[],
  ): Promise<void> {
    await Promise.all(
      changes.map(async (change) => {
        const record = (await this.#records.find(table, change.key))?.record
        const isListed = record !== undefined && holds(record)
        cached.settle(change, isListed ? entryOf(record) : undefined)
      }),
    )
  }

  #placeOf<R, Entry>(listing: Listing<R, Entry>, equals: readonly string[]): Place<R, Entry> {
    const name = joinRowKey(`${listing.table.schema.name}/${listing.index}`, equals)
    // What a place holds is of its own listing's type, and it is given back for that listing alone.
    const place = this.#places.get(name) ?? (newPlace(listing, equals) as AnyPlace)
    assert(place.listing === listing, `there are two listings by ${listing.index}`)
    this.#places.delete(name)
    this.#places.set(name, place)
    // See above.
    return place as Place<R, Entry>
  }

  /** Forgets listings until those that are left are not too many entries. */
  #makeRoom(): void {
    let weight = 0
    for (const { cached } of this.#places.values()) weight += LISTING_WEIGHT + cached.weight
    for (const [name, { cached }] of this.#places) {
      if (weight <= this.#entriesMax) return
      this.#places.delete(name)
      weight -= LISTING_WEIGHT + cached.weight
    }
  }
}

function newPlace<R, Entry>(
  listing: Listing<R, Entry>,
  equals: readonly string[],
): Place<R, Entry> {
  const { table } = listing
  const { schema } = table
  const columns = indexColumns(schema, listing.index)
  const parts = columns.map(({ keyPart }) => keyPart)
  const last = parts.at(-1)
  assert(last !== undefined, `the index ${listing.index} of a listing ends with a part of the key`)
  assert(
    equals.length === columns.length - 1 && schema.key.every((_, part) => parts.includes(part)),
    `a place in the index ${listing.index} is not one record's`,
  )
  return {
    listing,
    cached: new CachedListing(listing.placeOf),
    placeOf: (key) =>
      equals.every((value, at) => {
        const part = parts[at]
        return part === undefined || key[part] === value
      })
        ? key[last]
        : undefined,
    holds(record) {
      const [key, further] = [table.keyOf(record), table.columnsOf(record)]
      return equals.every((value, at) => {
        const column = columns[at]
        const own =
          column?.keyPart === undefined ? further[column?.name ?? ''] : key[column.keyPart]
        return own === value
      })
    },
  }
}

/** One page of a listing, from the records themselves. `upTo` is the last place of all that counts. */
export async function readListing<R, Entry>(
  records: PageReader,
  listing: Listing<R, Entry>,
  { equals, after = '', limit }: ListingQuery,
  upTo?: string,
): Promise<readonly Entry[]> {
  const page = await records.page(listing.table, {
    index: listing.index,
    equals,
    ...(after !== '' && { after: [after] }),
    ...(upTo !== undefined && { upTo }),
    limit,
  })
  return page.map(({ record }) => listing.entryOf(record))
}
