import type {
  AuditSearch,
  EventCount,
  EventCountsQuery,
  EventPage,
  EventPageQuery,
  FoundEvent,
} from '../../core/audit-search.ts'
import { OperatorError } from '../../core/errors.ts'

/** Rows that each is asked for: those with the highest counts of all need not be so in each log. */
const COUNTS_MAX = 100_000
/** Events of one page: each place is asked for as many, and most of them are asked for again with the next page. */
const PAGE_MAX = 1000

/** The searches of all that serve as one: workers of a machine, nodes of a store. */
export interface SearchedPlaces {
  /** Their names. What has an audit log, and is away, is one of them. */
  places(): Promise<readonly string[]>
  /** Searches the log of the one that is asked. */
  readonly own: AuditSearch
  /** @throws {DependencyError} where one does not answer: what is in its log must not be missing in silence */
  search(query: EventPageQuery, of: readonly string[]): Promise<ReadonlyMap<string, EventPage>>
  /** As `search`. */
  counts(
    query: EventCountsQuery,
    of: readonly string[],
  ): Promise<ReadonlyMap<string, readonly EventCount[]>>
}

/** Where the next page of each begins; empty: at its first. `null`: there is none. */
type Marks = ReadonlyMap<string, string | null>

function parseMarks(token: string): Marks {
  try {
    // Made by `textOf`; whoever hands tokens out signs them.
    const marks = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as object
    return new Map(Object.entries(marks))
  } catch (cause) {
    throw new OperatorError('that does not say where a page of events ends', undefined, { cause })
  }
}

const textOf = (marks: Marks): string =>
  Buffer.from(JSON.stringify(Object.fromEntries(marks))).toString('base64url')

interface Found {
  readonly place: string
  readonly event: FoundEvent
}

/** The first events of all pages, each page in its own order. */
function firstOf(pages: ReadonlyMap<string, EventPage>, query: EventPageQuery): readonly Found[] {
  const sign = query.order === 'newest-first' ? -1 : 1
  const heads = [...pages].map(([place, { events }]) => ({ place, events, at: 0 }))
  const taken: Found[] = []
  while (taken.length < query.limit) {
    let best: { readonly head: (typeof heads)[number]; readonly event: FoundEvent } | undefined
    for (const head of heads) {
      const event = head.events[head.at]
      if (event === undefined) continue
      if (best === undefined || sign * (event.time - best.event.time) < 0) best = { head, event }
    }
    if (best === undefined) break
    best.head.at++
    taken.push({ place: best.head.place, event: best.event })
  }
  return taken
}

/** Answers from several logs as if they were one. */
export class MergedSearch implements AuditSearch {
  readonly #all: SearchedPlaces

  constructor(all: SearchedPlaces) {
    this.#all = all
  }

  async search({ limit, ...wish }: EventPageQuery): Promise<EventPage> {
    if (wish.scope === 'node') return this.#all.own.search({ ...wish, limit })
    const query = { ...wish, limit: Math.min(limit, PAGE_MAX) }
    // The first page says whose logs the list is of: an event of one that joins later would stand where others were.
    const marks: Marks =
      query.after === undefined
        ? new Map((await this.#all.places()).map((place) => [place, '']))
        : parseMarks(query.after)
    const left = [...marks].filter(([, mark]) => mark !== null)
    const pages = new Map<string, EventPage>()
    // They are at different pages: those at their first are asked together.
    for (const [mark, places] of Map.groupBy(left, ([, at]) => at ?? '')) {
      const asked = { ...query, after: mark === '' ? undefined : mark }
      const of = places.map(([place]) => place)
      for (const [place, page] of await this.#all.search(asked, of)) pages.set(place, page)
    }
    const taken = firstOf(pages, query)
    const next = new Map([...marks, ...(await this.#marksBehind(query, marks, pages, taken))])
    const events = taken.map(({ event }) => event)
    const isLast = [...next.values()].every((mark) => mark === null)
    return isLast ? { events } : { events, next: textOf(next) }
  }

  /** Where each goes on after as many of its events as were taken. */
  async #marksBehind(
    query: EventPageQuery,
    marks: Marks,
    pages: ReadonlyMap<string, EventPage>,
    taken: readonly Found[],
  ): Promise<Marks> {
    const behind = new Map<string, string | null>()
    for (const [place, page] of pages) {
      const count = taken.filter((found) => found.place === place).length
      if (count === page.events.length) behind.set(place, page.next ?? null)
      else if (count > 0) {
        const mark = marks.get(place) ?? ''
        const asked = { ...query, after: mark === '' ? undefined : mark, limit: count }
        const again = await this.#all.search(asked, [place])
        behind.set(place, again.get(place)?.next ?? null)
      }
    }
    return behind
  }

  async counts(query: EventCountsQuery): Promise<readonly EventCount[]> {
    const sums = new Map<string, EventCount>()
    if (query.scope === 'node') return this.#all.own.counts(query)
    const asked = { ...query, limit: COUNTS_MAX }
    const rows = await this.#all.counts(asked, await this.#all.places())
    for (const row of [...rows.values()].flat()) {
      const name = JSON.stringify(row.values)
      const sum = sums.get(name)
      sums.set(
        name,
        sum === undefined
          ? row
          : {
              values: row.values,
              count: sum.count + row.count,
              first: sum.first < row.first ? sum.first : row.first,
              last: sum.last > row.last ? sum.last : row.last,
            },
      )
    }
    return [...sums.values()].toSorted((a, b) => b.count - a.count).slice(0, query.limit)
  }
}
