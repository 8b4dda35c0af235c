import type { EventFacts } from '../../src/audit/event-index/event-facts.ts'
import { factsOf, keyIdInArn, matches } from '../../src/audit/event-index/event-facts.ts'
import { unreachable } from '../../src/core/assert.ts'
import type {
  AuditSearch,
  EventCount,
  EventCountsQuery,
  EventDimension,
  EventPage,
  EventPageQuery,
  FoundEvent,
} from '../../src/core/audit-search.ts'
import { instant } from '../../src/core/ids.ts'

interface NaiveEvent extends FoundEvent {
  readonly facts: EventFacts
}

interface ParsedFrame {
  readonly internal: { readonly time: number }
  readonly records: readonly unknown[]
}

/** Every record of the frames, the first of which has sequence 1. */
function eventsOf(frames: readonly string[]): NaiveEvent[] {
  return frames.flatMap((frame, index) => {
    // The frames of tests have the form of the real ones.
    const { internal, records } = JSON.parse(frame) as ParsedFrame
    return records.map((value, record) => {
      const facts = factsOf(value, internal.time)
      const text = JSON.stringify(value)
      return { sequence: index + 1, record, time: facts.time, text, facts }
    })
  })
}

const byTime = (a: FoundEvent, b: FoundEvent): number =>
  a.time - b.time || a.sequence - b.sequence || a.record - b.record

/** Looks at every event for every question: what an index must answer, too. */
export function naiveSearch(frames: () => readonly string[]): AuditSearch {
  return {
    search: (query) => Promise.resolve(page(eventsOf(frames()), query)),
    counts: (query) => Promise.resolve(counts(eventsOf(frames()), query)),
  }
}

function page(all: readonly NaiveEvent[], query: EventPageQuery): EventPage {
  const sorted = all.filter(({ facts }) => matches(facts, query)).sort(byTime)
  if (query.order === 'newest-first') sorted.reverse()
  const start = Number(query.after ?? 0)
  const end = start + query.limit
  const events = sorted
    .slice(start, end)
    .map(({ sequence, record, time, text }) => ({ sequence, record, time, text }))
  return end < sorted.length ? { events, next: String(end) } : { events }
}

function valuesOf(facts: EventFacts, dimension: EventDimension): readonly string[] {
  switch (dimension) {
    case 'principal':
      return [facts.principal]
    case 'operation':
      return [facts.eventName]
    case 'outcome':
      return [facts.outcome]
    case 'source':
      return [facts.sourceIp]
    case 'account':
      return [facts.accountId]
    case 'day':
      return [new Date(facts.time).toISOString().slice(0, 10)]
    case 'key': {
      const keys = new Set(
        facts.resources.map(({ arn }) => arn).filter((arn) => keyIdInArn(arn) !== undefined),
      )
      return keys.size === 0 ? [''] : [...keys]
    }
    default:
      return unreachable(dimension)
  }
}

function counts(all: readonly NaiveEvent[], query: EventCountsQuery): readonly EventCount[] {
  const groups = new Map<string, { values: readonly string[]; times: number[] }>()
  for (const { facts } of all.filter((event) => matches(event.facts, query))) {
    let combined: readonly (readonly string[])[] = [[]]
    for (const dimension of query.by) {
      const values = valuesOf(facts, dimension)
      combined = combined.flatMap((group) => values.map((value) => [...group, value]))
    }
    for (const values of combined) {
      const name = JSON.stringify(values)
      const group = groups.get(name) ?? { values, times: [] }
      group.times.push(facts.time)
      groups.set(name, group)
    }
  }
  return [...groups]
    .sort(([a, x], [b, y]) => y.times.length - x.times.length || (a < b ? -1 : 1))
    .slice(0, query.limit)
    .map(([, { values, times }]) => ({
      values,
      count: times.length,
      first: instant(Math.min(...times)),
      last: instant(Math.max(...times)),
    }))
}
