import type {
  AuditSearch,
  EventCount,
  EventCountsQuery,
  EventPage,
  EventPageQuery,
  FoundEvent,
} from '../../core/audit-search.ts'
import { OperatorError } from '../../core/errors.ts'

/** Rows that a worker is asked for: those with the highest counts of all need not be so in each log. */
const COUNTS_MAX = 100_000

/** The searches of all workers, by number. */
export interface SearchedWorkers {
  readonly numbers: readonly number[]
  /** @throws {DependencyError} where one does not answer: what is in its log must not be missing in silence */
  search(query: EventPageQuery, of: readonly number[]): Promise<ReadonlyMap<number, EventPage>>
  counts(query: EventCountsQuery): Promise<ReadonlyMap<number, readonly EventCount[]>>
}

/** Where each worker's next page begins; absent: at its first. `null`: there is none. */
type Marks = Readonly<Record<string, string | null>>

function parseMarks(token: string | undefined): Marks {
  if (token === undefined) return {}
  try {
    // Made by `textOf`; whoever hands tokens out signs them.
    return JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as Marks
  } catch (cause) {
    throw new OperatorError('that does not say where a page of events ends', undefined, { cause })
  }
}

const textOf = (marks: Marks): string => Buffer.from(JSON.stringify(marks)).toString('base64url')

interface Found {
  readonly worker: number
  readonly event: FoundEvent
}

/** The first events of all pages, each page in its own order. */
function firstOf(pages: ReadonlyMap<number, EventPage>, query: EventPageQuery): readonly Found[] {
  const sign = query.order === 'newest-first' ? -1 : 1
  const heads = [...pages].map(([worker, { events }]) => ({ worker, events, at: 0 }))
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
    taken.push({ worker: best.head.worker, event: best.event })
  }
  return taken
}

/** Answers from the logs of all workers as if they were one. */
export class MergedSearch implements AuditSearch {
  readonly #workers: SearchedWorkers

  constructor(workers: SearchedWorkers) {
    this.#workers = workers
  }

  async search(query: EventPageQuery): Promise<EventPage> {
    const marks = parseMarks(query.after)
    const left = this.#workers.numbers.filter((number) => marks[number] !== null)
    const pages = new Map<number, EventPage>()
    // Workers are at different places: those at the same one are asked together.
    for (const [after, numbers] of Map.groupBy(left, (number) => marks[number] ?? undefined)) {
      const found = await this.#workers.search({ ...query, after }, numbers)
      for (const [number, page] of found) pages.set(number, page)
    }
    const taken = firstOf(pages, query)
    const next = { ...marks, ...(await this.#marksBehind(query, marks, pages, taken)) }
    const events = taken.map(({ event }) => event)
    const isLast = this.#workers.numbers.every((number) => next[number] === null)
    return isLast ? { events } : { events, next: textOf(next) }
  }

  /** Where each worker goes on after as many of its events as were taken. */
  async #marksBehind(
    query: EventPageQuery,
    marks: Marks,
    pages: ReadonlyMap<number, EventPage>,
    taken: readonly Found[],
  ): Promise<Marks> {
    const behind: Record<string, string | null> = {}
    for (const [number, page] of pages) {
      const count = taken.filter(({ worker }) => worker === number).length
      if (count === page.events.length) behind[number] = page.next ?? null
      else if (count > 0) {
        const after = marks[number] ?? undefined
        const again = await this.#workers.search({ ...query, after, limit: count }, [number])
        behind[number] = again.get(number)?.next ?? null
      }
    }
    return behind
  }

  async counts(query: EventCountsQuery): Promise<readonly EventCount[]> {
    const sums = new Map<string, EventCount>()
    const rows = await this.#workers.counts({ ...query, limit: COUNTS_MAX })
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
