import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventPage, EventPageQuery, FoundEvent } from '../../core/audit-search.ts'
import { instant } from '../../core/ids.ts'
import { MergedSearch } from './merged-search.ts'

/** The log of one worker: its events at these times. */
const logOf = (worker: number, times: readonly number[]): readonly FoundEvent[] =>
  times.map((time, at) => ({
    sequence: at + 1,
    record: 0,
    time: instant(time),
    text: `${worker}:${time}`,
  }))

/** Pages as the index makes them. */
function searched(logs: ReadonlyMap<number, readonly FoundEvent[]>) {
  const search = (worker: number, { order, after, limit }: EventPageQuery): EventPage => {
    const log = logs.get(worker) ?? []
    const ordered = order === 'newest-first' ? log.toReversed() : log
    const from = after === undefined ? 0 : Number(after)
    const events = ordered.slice(from, from + limit)
    const end = from + events.length
    return end < log.length ? { events, next: String(end) } : { events }
  }
  return new MergedSearch({
    own: {
      search: async (query) => search(1, query),
      counts: async () => [],
    },
    places: async () => [...logs.keys()].map(String),
    search: async (query, of) => new Map(of.map((place) => [place, search(Number(place), query)])),
    counts: async () =>
      new Map(
        [...logs.keys()].map((worker) => [
          String(worker),
          [
            {
              values: ['Encrypt'],
              count: worker,
              first: instant(worker),
              last: instant(worker + 10),
            },
            { values: [`only ${worker}`], count: 5, first: instant(1), last: instant(1) },
          ],
        ]),
      ),
  })
}

async function allOf(search: MergedSearch, order: EventPageQuery['order'], limit: number) {
  const pages: string[][] = []
  let after: string | undefined
  do {
    const page: EventPage = await search.search({ order, limit, after })
    pages.push(page.events.map(({ text }) => text))
    after = page.next
  } while (after !== undefined)
  return pages
}

const LOGS = new Map([
  [1, logOf(1, [1, 4, 5, 9, 10])],
  [2, logOf(2, [2, 3, 6])],
  [3, logOf(3, [])],
])
const OLDEST_FIRST = ['1:1', '2:2', '2:3', '1:4', '1:5', '2:6', '1:9', '1:10']

test('pages of all logs are in the order of time, and each event is in one', async () => {
  for (let limit = 1; limit <= 9; limit++) {
    const oldest = await allOf(searched(LOGS), 'oldest-first', limit)
    assert.deepEqual(oldest.flat(), OLDEST_FIRST)
    assert.ok(oldest.every((page) => page.length <= limit))
    const newest = await allOf(searched(LOGS), 'newest-first', limit)
    assert.deepEqual(newest.flat(), OLDEST_FIRST.toReversed())
  }
})

test('counts are those of all logs together, the highest first', async () => {
  const rows = await searched(LOGS).counts({ by: ['operation'], limit: 2 })
  assert.deepEqual(rows, [
    { values: ['Encrypt'], count: 6, first: instant(1), last: instant(13) },
    { values: ['only 1'], count: 5, first: instant(1), last: instant(1) },
  ])
})

test('a mark that is none is refused', async () => {
  await assert.rejects(
    searched(LOGS).search({ order: 'newest-first', limit: 1, after: 'nonsense' }),
    { name: 'OperatorError' },
  )
})

test('a list is of those that were there at its first page', async () => {
  const logs = new Map(LOGS)
  const search = searched(logs)
  const first = await search.search({ order: 'newest-first', limit: 2 })
  logs.set(4, logOf(4, [7, 11]))
  const second = await search.search({ order: 'newest-first', limit: 9, after: first.next })
  assert.deepEqual(
    [...first.events, ...second.events].map(({ text }) => text),
    OLDEST_FIRST.toReversed(),
  )
})

test('a page has a thousand events at most', async () => {
  const times = Array.from({ length: 1500 }, (_, at) => at)
  const search = searched(new Map([[1, logOf(1, times)]]))
  const pages = await allOf(search, 'oldest-first', 10_000)
  assert.deepEqual(
    pages.map(({ length }) => length),
    [1000, 500],
  )
})

test('the log of the one that is asked can be asked for alone', async () => {
  const search = searched(LOGS)
  const page = await search.search({ order: 'oldest-first', limit: 3, scope: 'node' })
  assert.deepEqual(
    page.events.map(({ text }) => text),
    ['1:1', '1:4', '1:5'],
  )
  assert.deepEqual(await search.counts({ by: [], limit: 9, scope: 'node' }), [])
})
