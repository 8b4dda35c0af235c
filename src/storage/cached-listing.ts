import { compareText } from './text-order.ts'

/** Entries of a stretch when it has been read. One that has grown to twice as many is read again. */
const STRETCH_ENTRIES = 128
/** Changes in a stretch that are looked up one by one; with more of them it is read again as a whole. */
const STRETCH_CHANGES_MAX = 16
/** What a stretch weighs by itself, in entries. */
const STRETCH_WEIGHT = 4

/** The places behind `after`, up to and with `upTo`, or to the end. */
export interface PlaceRange {
  /** The empty text stands for the beginning. */
  readonly after: string
  readonly upTo: string | undefined
}

/** A commit has touched the record with this key, which stands at this place or stood there. */
export interface ListingChange {
  readonly place: string
  readonly key: readonly string[]
}

/** A range of places of which all entries are known, but for those that have changed since. */
interface Stretch<Entry> extends PlaceRange {
  readonly entries: Entry[]
  /** By place; the newest change of each. */
  readonly changes: Map<string, ListingChange>
}

/** Changes that have to be looked up before a page can be told: for `settle`. */
export interface ListingUpdate {
  readonly changes: readonly ListingChange[]
}

/** A part of a listing that is being read. */
export interface ListingLoad extends PlaceRange {
  /** Entries that are still missing. */
  readonly wanted: number
  /** A commit has touched the range since: what the read brings may be from before. */
  isOvertaken: boolean
}

const contains = ({ after, upTo }: PlaceRange, place: string): boolean =>
  compareText(place, after) > 0 && (upTo === undefined || compareText(place, upTo) <= 0)

/**
 * What is known of one listing: stretches of it, in order and apart, each with all its entries. Between
 * them nothing is known.
 */
export class CachedListing<Entry> {
  readonly #placeOf: (entry: Entry) => string
  readonly #stretches: Stretch<Entry>[] = []
  readonly #loads = new Set<ListingLoad>()
  #entries = 0

  constructor(placeOf: (entry: Entry) => string) {
    this.#placeOf = placeOf
  }

  /** What it takes of memory, in entries. */
  get weight(): number {
    return this.#entries + STRETCH_WEIGHT * this.#stretches.length
  }

  /**
   * The first entries behind a place. Where some of them are not known: the gap in front of which this
   * has stopped, as a load that the caller ends with `endLoad`; or changes that the caller settles.
   */
  read(place: string, limit: number): readonly Entry[] | ListingLoad | ListingUpdate {
    const found: Entry[] = []
    let after = place
    for (let at = this.#firstReaching(place, false); ; at++) {
      const stretch = this.#stretches[at]
      if (stretch === undefined || compareText(stretch.after, after) > 0) {
        const wanted = limit - found.length
        const load: ListingLoad = { after, upTo: stretch?.after, wanted, isOvertaken: false }
        this.#loads.add(load)
        return load
      }
      const { entries, upTo, changes } = stretch
      if (changes.size > 0) return { changes: [...changes.values()] }
      let next = stretch.after === after ? 0 : this.#firstBehind(entries, after)
      for (; next < entries.length && found.length < limit; next++) {
        const entry = entries[next]
        if (entry !== undefined) found.push(entry)
      }
      if (found.length === limit || upTo === undefined) return found
      after = upTo
    }
  }

  /**
   * Keeps what a load has read, unless it may be out of date. Failed ones end with nothing.
   * @param isAll whether these are all entries of the load's range, rather than the first ones
   */
  endLoad(load: ListingLoad, entries: readonly Entry[] = [], isAll = false): void {
    this.#loads.delete(load)
    const last = entries.at(-1)
    if (load.isOvertaken || (last === undefined && !isAll)) return
    const upTo = isAll || last === undefined ? load.upTo : this.#placeOf(last)
    const at = this.#firstReaching(load.after, false)
    const next = this.#stretches[at]
    // Another load may have filled the same gap.
    const isFree = next === undefined || (upTo !== undefined && compareText(next.after, upTo) >= 0)
    if (isFree) this.#stretches.splice(at, 0, ...this.#cut({ after: load.after, upTo }, entries))
  }

  /** To be told of every commit that touches a record which may stand here. */
  touch(change: ListingChange): void {
    for (const load of this.#loads) if (contains(load, change.place)) load.isOvertaken = true
    const stretch = this.#stretchOf(change.place)
    if (stretch === undefined) return
    stretch.changes.set(change.place, change)
    if (stretch.changes.size > STRETCH_CHANGES_MAX) this.#drop(stretch)
  }

  /**
   * Puts what has been looked up after a change in its place, unless there has been another one since.
   * @param entry undefined where there is none
   */
  settle(change: ListingChange, entry: Entry | undefined): void {
    const stretch = this.#stretchOf(change.place)
    if (stretch === undefined || stretch.changes.get(change.place) !== change) return
    stretch.changes.delete(change.place)
    const { entries } = stretch
    const at = firstWhere(entries, (one) => compareText(this.#placeOf(one), change.place) >= 0)
    const known = entries[at]
    const isThere = known !== undefined && this.#placeOf(known) === change.place
    const put = entry === undefined ? [] : [entry]
    entries.splice(at, isThere ? 1 : 0, ...put)
    this.#entries += put.length - (isThere ? 1 : 0)
    if (entries.length > 2 * STRETCH_ENTRIES) this.#drop(stretch)
  }

  #stretchOf(place: string): Stretch<Entry> | undefined {
    const stretch = this.#stretches[this.#firstReaching(place, true)]
    return stretch !== undefined && contains(stretch, place) ? stretch : undefined
  }

  #drop(stretch: Stretch<Entry>): void {
    this.#stretches.splice(this.#stretches.indexOf(stretch), 1)
    this.#entries -= stretch.entries.length
  }

  #cut({ after, upTo }: PlaceRange, entries: readonly Entry[]): Stretch<Entry>[] {
    this.#entries += entries.length
    const stretches: Stretch<Entry>[] = []
    let from = after
    for (let at = 0; at === 0 || at < entries.length; at += STRETCH_ENTRIES) {
      const piece = entries.slice(at, at + STRETCH_ENTRIES)
      const last = piece.at(-1)
      const isLast = at + STRETCH_ENTRIES >= entries.length
      const end = isLast || last === undefined ? upTo : this.#placeOf(last)
      stretches.push({ after: from, upTo: end, entries: piece, changes: new Map() })
      from = end ?? ''
    }
    return stretches
  }

  /** Index of the first stretch that goes beyond a place, or as far as the place itself. */
  #firstReaching(place: string, isEnough: boolean): number {
    return firstWhere(this.#stretches, ({ upTo }) => {
      if (upTo === undefined) return true
      const order = compareText(upTo, place)
      return isEnough ? order >= 0 : order > 0
    })
  }

  #firstBehind(entries: readonly Entry[], place: string): number {
    return firstWhere(entries, (entry) => compareText(this.#placeOf(entry), place) > 0)
  }
}

/** Index of the first item for which `holds`, as it does for all later ones; the length where there is none. */
function firstWhere<T>(items: readonly T[], holds: (item: T) => boolean): number {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const item = items[middle]
    if (item !== undefined && holds(item)) high = middle
    else low = middle + 1
  }
  return low
}
