import { factsOf } from '../../audit/event-index/event-facts.ts'
import type { EventFilter, FoundEvent } from '../../core/audit-search.ts'
import { DAY_MS, type Instant, instant } from '../../core/ids.ts'
import type { Call } from '../../pipeline/call.ts'
import type { Event, Inputs, LookupAttribute } from './model.ts'
import {
  beforeHistory,
  invalidEventCategory,
  invalidLookupAttributes,
  invalidMaxResults,
  startAfterEnd,
} from './refusals.ts'

/** How LookupEvents asks, and what it tells. **Source:** AWS CloudTrail API Reference, LookupEvents, Event. */

type LookupInput = Inputs['LookupEvents']

/** How far back events are looked up. */
const HISTORY_DAYS = 90
const RESULTS_MAX = 50
/** Characters of an attribute's value. */
const VALUE_MAX = 2000
const SECOND_MS = 1000

const TRUTHS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
])

/** @throws ServiceError InvalidLookupAttributesException */
function readOnlyOf(value: string): boolean {
  const truth = TRUTHS.get(value.toLowerCase())
  if (truth === undefined) {
    throw invalidLookupAttributes('The value of the attribute ReadOnly must be true or false.')
  }
  return truth
}

const ATTRIBUTES: ReadonlyMap<string, (value: string) => EventFilter> = new Map<
  string,
  (value: string) => EventFilter
>([
  ['EventId', (eventId) => ({ eventId })],
  ['EventName', (eventName) => ({ eventName })],
  ['ReadOnly', (value) => ({ readOnly: readOnlyOf(value) })],
  ['Username', (username) => ({ username })],
  ['ResourceType', (resourceType) => ({ resourceType })],
  ['ResourceName', (resourceName) => ({ resourceName })],
  ['EventSource', (eventSource) => ({ eventSource })],
  ['AccessKeyId', (accessKeyId) => ({ accessKeyId })],
])

/** @throws ServiceError InvalidLookupAttributesException */
function filterOf(attributes: readonly LookupAttribute[]): EventFilter {
  const [only, ...others] = attributes
  if (only === undefined) return {}
  if (others.length > 0) {
    throw invalidLookupAttributes('LookupAttributes can contain only one attribute.')
  }
  const { AttributeKey, AttributeValue } = only
  const filter = ATTRIBUTES.get(AttributeKey)
  if (filter === undefined) {
    throw invalidLookupAttributes(
      `The attribute key is not valid: it is one of ${[...ATTRIBUTES.keys()].join(', ')}.`,
    )
  }
  if (AttributeValue === '' || AttributeValue.length > VALUE_MAX) {
    throw invalidLookupAttributes(
      `The attribute value must have between 1 and ${VALUE_MAX} characters.`,
    )
  }
  return filter(AttributeValue)
}

/**
 * Both ends of the time range are part of it, and event times are whole seconds.
 * @throws ServiceError InvalidTimeRangeException
 */
function timesOf(
  { StartTime, EndTime }: LookupInput,
  now: Instant,
): Pick<EventFilter, 'from' | 'to'> {
  if (StartTime !== undefined && StartTime > (EndTime ?? now)) throw startAfterEnd()
  const oldest = now - HISTORY_DAYS * DAY_MS
  if (EndTime !== undefined && EndTime < oldest) throw beforeHistory(HISTORY_DAYS)
  const from = Math.max(oldest, StartTime ?? oldest)
  return {
    from: instant(Math.ceil(from / SECOND_MS) * SECOND_MS),
    ...(EndTime !== undefined && {
      to: instant((Math.floor(EndTime / SECOND_MS) + 1) * SECOND_MS),
    }),
  }
}

/** What a request asks for. */
export interface Lookup {
  readonly filter: EventFilter
  readonly limit: number
  /** Insights are not made here, so there are none to be found. */
  readonly isForInsights: boolean
  /** What a token belongs to besides the account and the Region. */
  readonly listing: string
}

/**
 * @throws ServiceError InvalidLookupAttributesException, InvalidTimeRangeException, InvalidMaxResultsException,
 * InvalidEventCategoryException
 */
export function parseLookup(input: LookupInput, { accountId, region, time }: Call): Lookup {
  const {
    LookupAttributes = [],
    StartTime,
    EndTime,
    EventCategory,
    MaxResults = RESULTS_MAX,
  } = input
  if (EventCategory !== undefined && EventCategory !== 'insight') throw invalidEventCategory()
  if (MaxResults < 1 || MaxResults > RESULTS_MAX) throw invalidMaxResults(RESULTS_MAX)
  return {
    filter: { ...filterOf(LookupAttributes), ...timesOf(input, time), accountId, region },
    limit: MaxResults,
    isForInsights: EventCategory !== undefined,
    listing: JSON.stringify([LookupAttributes, StartTime, EndTime, EventCategory]),
  }
}

/** Undefined for what a record does not have. */
const present = (text: string): string | undefined => (text === '' ? undefined : text)

/** An event as LookupEvents tells it; the record itself goes along as it stands in the log. */
export function describeEvent({ text, time }: FoundEvent): Event {
  const facts = factsOf(JSON.parse(text), time)
  return {
    EventId: facts.eventId,
    EventName: facts.eventName,
    ReadOnly: String(facts.readOnly),
    AccessKeyId: present(facts.accessKeyId),
    EventTime: instant(Math.floor(time / SECOND_MS) * SECOND_MS),
    EventSource: facts.eventSource,
    Username: present(facts.username),
    Resources: facts.resources.map(({ type, arn }) => ({ ResourceType: type, ResourceName: arn })),
    CloudTrailEvent: text,
  }
}
