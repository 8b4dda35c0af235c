import type { AuditSearch, EventCount, FoundEvent } from '../../../core/audit-search.ts'
import { DAY_MS, type Instant, instant, plusMs } from '../../../core/ids.ts'
import type { CountedUses, LastUse } from '../../../core/key-impact.ts'
import type { Records } from '../../../core/records.ts'
import { isJsonObject } from '../../../core/strict-json.ts'
import { KEY_USAGE_NOTES } from '../../../core/tables.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import { trackedOperation } from '../keys/key-usage.ts'

/** How far back uses are counted. Unit: days. */
export const COUNTED_DAYS = 90
/** More operations than KMS has. */
const OPERATIONS_MAX = 100
/** Rows of principals and operations that are told at most. */
const ROWS_MAX = 1000

/** Where uses of keys are looked up. */
export interface UseSources {
  readonly records: Pick<Records, 'find'>
  readonly search: AuditSearch
}

/** A last use, with its moment. */
export interface FoundUse extends LastUse {
  readonly at: Instant
}

const isoTime = (time: Instant): string => new Date(time).toISOString()

/** The successful calls on a key, in the log of the key's owner: what another account called is in there once. */
const callsOn = ({ key, arn }: ResolvedKey) => ({
  accountId: key.accountId,
  eventSource: 'kms.amazonaws.com',
  resourceName: arn,
  outcome: 'success' as const,
})

/** Successful cryptographic operations of the last days, by principal and operation. */
export async function countUses(
  { search }: Pick<UseSources, 'search'>,
  target: ResolvedKey,
  now: Instant,
): Promise<readonly CountedUses[]> {
  const from = instant(Math.max(target.key.createdAt, plusMs(now, -COUNTED_DAYS * DAY_MS)))
  const by = ['principal', 'operation'] as const
  const counts = await search.counts({ ...callsOn(target), from, by, limit: ROWS_MAX })
  return counts.flatMap(({ values: [principal = '', operation = ''], count, first, last }) =>
    trackedOperation(operation) === undefined
      ? []
      : [{ principal, operation, count, first: isoTime(first), last: isoTime(last) }],
  )
}

/**
 * The last successful use of a key: by the audit log, and where that does not reach back so far by the note
 * that the store keeps.
 */
export async function findLastUse(
  { records, search }: UseSources,
  target: ResolvedKey,
): Promise<FoundUse | undefined> {
  const { key } = target
  const note = (await records.find(KEY_USAGE_NOTES, [key.region, key.keyId]))?.record
  const counts = await search.counts({
    ...callsOn(target),
    // A replica that was made again has the ARN of the one before.
    from: key.createdAt,
    by: ['operation'],
    limit: OPERATIONS_MAX,
  })
  const latest = latestUse(counts)
  if (note !== undefined && note.time >= key.createdAt && note.time > (latest?.last ?? 0)) {
    const { time: at, operation, eventId, requestId } = note
    const { events } = await search.search({ eventId, order: 'newest-first', limit: 1 })
    return { at, time: isoTime(at), operation, eventId, requestId, ...whoOf(events[0]) }
  }
  if (latest === undefined) return undefined
  const { events } = await search.search({
    ...callsOn(target),
    eventName: latest.operation,
    to: plusMs(latest.last, 1),
    order: 'newest-first',
    limit: 1,
  })
  const [event] = events
  const record = event && recordOf(event)
  const [eventId, requestId] = [textOf(record?.['eventID']), textOf(record?.['requestID'])]
  const at = latest.last
  return {
    at,
    time: isoTime(at),
    operation: latest.operation,
    eventId: eventId ?? '',
    requestId: requestId ?? '',
    ...whoOf(event),
  }
}

function latestUse(
  counts: readonly EventCount[],
): { readonly operation: string; readonly last: Instant } | undefined {
  let latest: { readonly operation: string; readonly last: Instant } | undefined
  for (const { values, last } of counts) {
    const operation = trackedOperation(values[0] ?? '')
    if (operation === undefined || last <= (latest?.last ?? -1)) continue
    latest = { operation, last }
  }
  return latest
}

type Members = Readonly<Record<string, unknown>>

function recordOf({ text }: FoundEvent): Members | undefined {
  const record: unknown = JSON.parse(text)
  return isJsonObject(record) ? record : undefined
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** Who called, as a record has it: of another account no more than its number. */
function whoOf(event: FoundEvent | undefined): Pick<LastUse, 'principal' | 'sourceAddress'> {
  const record = event && recordOf(event)
  const given = record?.['userIdentity']
  const identity: Members = isJsonObject(given) ? given : {}
  return {
    principal:
      textOf(identity['arn']) ?? textOf(identity['invokedBy']) ?? textOf(identity['accountId']),
    sourceAddress: textOf(record?.['sourceIPAddress']),
  }
}
