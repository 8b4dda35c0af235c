import { setTimeout as sleep } from 'node:timers/promises'
import type { RowStore } from '../../core/store.ts'
import { KEYS } from '../../core/tables.ts'

/** Rows that are looked at without a pause: less than a millisecond. */
const PAGE_ROWS = 200
/** A pause is so many times as long as the work before it, so that calls hardly notice. */
const REST_FACTOR = 19
/** The shortest time between two counts; longer where counting takes longer. */
const INTERVAL_MS = 1000

/** How many keys there are of one spec in one state. */
export interface KeyCount {
  readonly state: string
  readonly spec: string
  readonly count: number
}

/** A state and spec of a key's row; for counting alone, so its MAC is not checked. */
function kindOf(body: string): { state: string; spec: string } {
  const unknown = { state: 'unknown', spec: 'unknown' }
  // A row of the store: JSON of the members of `Key`, which are looked at as unknown.
  const key: { readonly spec?: unknown; readonly state?: { readonly name?: unknown } } =
    JSON.parse(body)
  const { spec, state } = key
  if (typeof spec !== 'string' || typeof state?.name !== 'string') return unknown
  return { state: state.name, spec }
}

/**
 * Counts the keys by state and spec, over and over as long as they change: page by page with pauses, so
 * that a million of them take some twenty seconds of pages over several minutes and hold up nobody.
 */
export class KeyCensus {
  readonly #rows: Pick<RowStore, 'page' | 'onCommit'>
  readonly #now: () => number
  #counts: readonly KeyCount[] = []
  #countedAtMs: number | undefined
  #tookMs = 0
  #isStale = true
  #running: Promise<void> | undefined
  readonly #ended = new AbortController()

  constructor(rows: Pick<RowStore, 'page' | 'onCommit'>, now: () => number = Date.now) {
    this.#rows = rows
    this.#now = now
    rows.onCommit((news) => {
      this.#isStale ||=
        news === 'everything' || news.some(({ table }) => table === KEYS.schema.name)
    })
  }

  /** What was counted last, and when it was finished. Unit: milliseconds since the Unix epoch. */
  get latest(): { readonly counts: readonly KeyCount[]; readonly countedAtMs: number | undefined } {
    return { counts: this.#counts, countedAtMs: this.#countedAtMs }
  }

  /** Begins to count where there is something new to count. Settles when the count has ended. */
  countIfDue(): Promise<void> {
    if (this.#running !== undefined) return this.#running
    const isRecent =
      this.#countedAtMs !== undefined &&
      Math.abs(this.#now() - this.#countedAtMs) < Math.max(INTERVAL_MS, this.#tookMs)
    if (!this.#isStale || isRecent || this.#ended.signal.aborted) return Promise.resolve()
    this.#running = this.#count().finally(() => (this.#running = undefined))
    return this.#running
  }

  async close(): Promise<void> {
    this.#ended.abort()
    await this.#running?.catch(() => undefined)
  }

  async #count(): Promise<void> {
    // Before the first row is read: what changes from now on makes another count.
    this.#isStale = false
    const beganMs = performance.now()
    const found = new Map<string, KeyCount>()
    let after: readonly string[] | undefined
    try {
      for (;;) {
        const startedMs = performance.now()
        const query = { index: 'key', equals: [], limit: PAGE_ROWS }
        const rows = await this.#rows.page(KEYS.schema, after ? { ...query, after } : query)
        for (const { body } of rows) {
          const { state, spec } = kindOf(body)
          const name = `${state}/${spec}`
          found.set(name, { state, spec, count: (found.get(name)?.count ?? 0) + 1 })
        }
        after = rows.at(-1)?.key
        if (rows.length < PAGE_ROWS || this.#ended.signal.aborted) break
        await this.#rest((performance.now() - startedMs) * REST_FACTOR)
      }
    } catch (error) {
      this.#isStale = true
      throw error
    }
    if (this.#ended.signal.aborted) return
    this.#counts = [...found.values()]
    this.#tookMs = performance.now() - beganMs
    this.#countedAtMs = this.#now()
  }

  async #rest(milliseconds: number): Promise<void> {
    // The end of the census is no failure of it.
    await sleep(milliseconds, undefined, { ref: false, signal: this.#ended.signal }).catch(
      () => undefined,
    )
  }
}
