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
    numbers: [...logs.keys()],
    search: async (query, of) => new Map(of.map((worker) => [worker, search(worker, query)])),
    counts: async () =>
      new Map(
        [...logs.keys()].map((worker) => [
          worker,
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
