import { compareText } from './text-order.ts'

/** Entries of a stretch at most: what one change makes unknown again. */
const STRETCH_ENTRIES = 128
/** What a stretch weighs by itself, in entries. */
const STRETCH_WEIGHT = 4

/** The places behind `after`, up to and with `upTo`, or to the end. */
export interface PlaceRange {
  /** The empty text stands for the beginning. */
  readonly after: string
  readonly upTo: string | undefined
}

/** A range of places of which all entries are known. */
interface Stretch<Entry> extends PlaceRange {
  readonly entries: readonly Entry[]
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
   * The first entries behind a place. Where some of them are not known, the gap in front of which this
   * has stopped, as a load that the caller ends with `endLoad`.
   */
  read(place: string, limit: number): readonly Entry[] | ListingLoad {
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
      const { entries, upTo } = stretch
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

  /** A commit has touched what stands at this place, or came or went there. */
  forget(place: string): void {
    for (const load of this.#loads) if (contains(load, place)) load.isOvertaken = true
    const at = this.#firstReaching(place, true)
    const stretch = this.#stretches[at]
    if (stretch === undefined || !contains(stretch, place)) return
    this.#stretches.splice(at, 1)
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
      stretches.push({ after: from, upTo: end, entries: piece })
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
