import { type Instant, instant, parseKeyId } from '../../../core/ids.ts'
import type { BackingKey } from '../../../core/key.ts'
import type { Stored } from '../../../core/records.ts'
import { BACKING_KEYS } from '../../../core/tables.ts'
import type { Bucket } from './buckets.ts'
import { hasNames, type MetricScope, type MetricSource } from './metric-source.ts'

const MINUTE_MS = 60_000
const PAGE_RECORDS = 500
/** Materials that one listing looks at: those that expire first. */
const MATERIALS_MAX = 20_000
/** Materials of one key. Source: AWS KMS Developer Guide, Importing key material. */
const MATERIALS_OF_KEY_MAX = 1000

/** Whether imported material is here and will be gone. */
const isExpiring = ({ imported }: BackingKey, now: Instant): boolean =>
  imported?.isPresent === true && imported.validTo !== undefined && imported.validTo > now

/** Everything of a place that expires, by the key it belongs to. */
async function expiringKeys({ records, place, now }: MetricScope): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  let last: Stored<BackingKey> | undefined
  let looked = 0
  do {
    const after = last && [last.record.imported?.validTo ?? now, ...BACKING_KEYS.keyOf(last.record)]
    const query = {
      index: 'by_expiry',
      equals: [],
      upTo: Number.MAX_SAFE_INTEGER,
      limit: PAGE_RECORDS,
    }
    const page = await records.page(BACKING_KEYS, after === undefined ? query : { ...query, after })
    for (const { record } of page) {
      const isHere = record.accountId === place.accountId && record.region === place.region
      if (isHere && isExpiring(record, now)) found.add(record.keyId)
    }
    looked += page.length
    last = page.length < PAGE_RECORDS ? undefined : page.at(-1)
  } while (last !== undefined && looked < MATERIALS_MAX)
  return found
}

/** The material of a key that expires first. */
async function nextToExpire(
  { records, place, now }: MetricScope,
  keyName: string,
): Promise<{ readonly since: Instant; readonly validTo: Instant } | undefined> {
  const keyId = parseKeyId(keyName)
  if (keyId === undefined) return undefined
  const page = await records.page(BACKING_KEYS, {
    index: 'key',
    equals: [place.region, keyId],
    limit: MATERIALS_OF_KEY_MAX,
  })
  const [first] = page
    .map(({ record }) => record)
    .filter((record) => record.accountId === place.accountId && isExpiring(record, now))
    .flatMap(({ createdAt, imported }) =>
      imported?.validTo === undefined ? [] : [{ since: createdAt, validTo: imported.validTo }],
    )
    .sort((a, b) => a.validTo - b.validTo)
  return first
}

/**
 * A sample each minute of how long imported material still has, from when it was imported to now. What the
 * metric was under an earlier date of expiry is not known any more.
 */
export const MATERIAL_EXPIRATION: MetricSource = {
  namespace: 'AWS/KMS',
  name: 'SecondsUntilKeyMaterialExpiration',
  unit: 'Seconds',
  async list(scope) {
    return [...(await expiringKeys(scope))].map((KeyId) => ({ KeyId }))
  },
  async read(scope, dimensions, { start, end, periodMs }) {
    if (!hasNames(dimensions, 'KeyId')) return []
    const next = await nextToExpire(scope, dimensions['KeyId'] ?? '')
    if (next === undefined) return []
    const from = Math.max(start, next.since)
    const to = Math.min(end, scope.now + 1)
    const buckets: Bucket[] = []
    const firstPeriod = Math.floor((from - start) / periodMs)
    for (let at = start + firstPeriod * periodMs; at < to; at += periodMs) {
      // Samples stand at whole minutes; the minute of the import has one, too.
      const floor = Math.floor(Math.max(at, from) / MINUTE_MS) * MINUTE_MS
      const lowest = floor < at ? floor + MINUTE_MS : floor
      const periodEnd = Math.min(at + periodMs, to)
      if (lowest >= periodEnd) continue
      const count = Math.floor((periodEnd - 1 - lowest) / MINUTE_MS) + 1
      const max = (next.validTo - lowest) / 1000
      const min = max - (count - 1) * (MINUTE_MS / 1000)
      buckets.push({ start: instant(at), count, sum: (count * (max + min)) / 2, min, max })
    }
    return buckets
  },
}
