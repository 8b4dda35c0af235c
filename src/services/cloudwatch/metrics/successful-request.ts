import { parseArn } from '../../../core/arn.ts'
import type { FoundEvent } from '../../../core/audit-search.ts'
import type { Instant } from '../../../core/ids.ts'
import { isJsonObject } from '../../../core/strict-json.ts'
import { isUseOfKey } from '../../kms/api.ts'
import { type Bucket, bucketsOf, countByPeriod, type Periods } from './buckets.ts'
import {
  type DimensionValues,
  hasNames,
  type MetricScope,
  type MetricSource,
} from './metric-source.ts'

/** Two keys at once: its events are looked at one by one. */
const RE_ENCRYPT = 'ReEncrypt'
const EVENTS_PER_PAGE = 1000
/** Re-encryptions that one question looks at, the newest ones. */
const EVENTS_MAX = 20_000
/** Series that are listed. */
const SERIES_MAX = 10_000

const KMS = 'kms.amazonaws.com'

const filterOf = ({ place }: MetricScope) =>
  ({
    accountId: place.accountId,
    region: place.region,
    eventSource: KMS,
    outcome: 'success',
  }) as const

const isOwn = ({ place }: MetricScope, arn: string): boolean => {
  const parsed = parseArn(arn)
  return parsed?.accountId === place.accountId && parsed.region === place.region
}

/** The source and the destination of a re-encryption, by the resources of its record. */
function pairOf({ text }: FoundEvent): DimensionValues | undefined {
  const record: unknown = JSON.parse(text)
  const resources = isJsonObject(record) ? record['resources'] : undefined
  if (!Array.isArray(resources) || resources.length !== 2) return undefined
  const [source, destination] = resources.map((resource: unknown) =>
    isJsonObject(resource) ? resource['ARN'] : undefined,
  )
  if (typeof source !== 'string' || typeof destination !== 'string') return undefined
  return { SourceKeyArn: source, DestinationKeyArn: destination, Operation: RE_ENCRYPT }
}

/** Re-encryptions of a span of time with their keys, newest first. */
async function reEncryptions(
  scope: MetricScope,
  span: { readonly from: Instant; readonly to?: Instant; readonly key?: string },
): Promise<readonly { readonly time: Instant; readonly keys: DimensionValues }[]> {
  const found: { time: Instant; keys: DimensionValues }[] = []
  let after: string | undefined
  let looked = 0
  do {
    const page = await scope.search.search({
      ...filterOf(scope),
      eventName: RE_ENCRYPT,
      from: span.from,
      to: span.to,
      resourceName: span.key,
      order: 'newest-first',
      after,
      limit: EVENTS_PER_PAGE,
    })
    for (const event of page.events) {
      const keys = pairOf(event)
      if (keys !== undefined) found.push({ time: event.time, keys })
    }
    looked += page.events.length
    after = page.next
  } while (after !== undefined && looked < EVENTS_MAX)
  return found
}

async function list(scope: MetricScope, since: Instant): Promise<readonly DimensionValues[]> {
  const counted = await scope.search.counts({
    ...filterOf(scope),
    from: since,
    by: ['key', 'operation'],
    limit: SERIES_MAX,
  })
  const single = counted
    .map(({ values: [KeyArn = '', Operation = ''] }) => ({ KeyArn, Operation }))
    .filter(
      ({ KeyArn, Operation }) =>
        isOwn(scope, KeyArn) && isUseOfKey(Operation) && Operation !== RE_ENCRYPT,
    )
  const pairs = new Map(
    (await reEncryptions(scope, { from: since })).map(({ keys }) => [JSON.stringify(keys), keys]),
  )
  return [...single, ...pairs.values()]
}

async function read(
  scope: MetricScope,
  dimensions: DimensionValues,
  periods: Periods,
): Promise<readonly Bucket[]> {
  const { Operation = '', KeyArn = '', SourceKeyArn = '', DestinationKeyArn = '' } = dimensions
  if (!isUseOfKey(Operation)) return []
  if (hasNames(dimensions, 'SourceKeyArn', 'DestinationKeyArn', 'Operation')) {
    if (Operation !== RE_ENCRYPT) return []
    const { start: from, end: to } = periods
    const events = await reEncryptions(scope, { from, to, key: SourceKeyArn })
    const times = events
      .filter(
        ({ keys }) =>
          keys['SourceKeyArn'] === SourceKeyArn && keys['DestinationKeyArn'] === DestinationKeyArn,
      )
      .map(({ time }) => time)
    return bucketsOf(times, periods)
  }
  if (!hasNames(dimensions, 'KeyArn', 'Operation')) return []
  if (Operation === RE_ENCRYPT || !isOwn(scope, KeyArn)) return []
  return countByPeriod(async (from, to) => {
    const [counted] = await scope.search.counts({
      ...filterOf(scope),
      eventName: Operation,
      resourceName: KeyArn,
      from,
      to,
      by: [],
      limit: 1,
    })
    return counted
  }, periods)
}

/** How often each key was used by each operation, and each pair of keys by ReEncrypt. */
export const SUCCESSFUL_REQUEST: MetricSource = {
  namespace: 'AWS/KMS',
  name: 'SuccessfulRequest',
  unit: 'Count',
  list,
  read,
}
