import type { Instant } from '../../core/ids.ts'
import type { Records } from '../../core/records.ts'
import { TRAIL_HEADS, TRAIL_LOG_FILES, type TrailLogFile } from '../../core/trail-tables.ts'
import type { TrailObjects } from './trail-objects.ts'

/** Chains of one account: one in each Region that it has used. */
const CHAINS_MAX = 1000
/** Log files of one account that no digest names yet, of which the newest is looked for. */
const FILES_MAX = 1000

/** How far the trail of an account has been delivered; absent members have not happened yet. */
export interface TrailStatus {
  /** Where the oldest window that is kept begins. */
  readonly since?: Instant | undefined
  /** Of the newest log file. */
  readonly latestDelivery?: Instant | undefined
  /** The end of the newest digest. */
  readonly latestDigest?: Instant | undefined
}

const newestOf = (times: readonly Instant[]): Instant | undefined =>
  times.reduce<Instant | undefined>((a, b) => (a === undefined || b > a ? b : a), undefined)

const oldestOf = (times: readonly Instant[]): Instant | undefined =>
  times.reduce<Instant | undefined>((a, b) => (a === undefined || b < a ? b : a), undefined)

/** The status of the trail that one node keeps of an account. */
export async function trailStatus(
  { records, objects }: { readonly records: Records; readonly objects: TrailObjects },
  nodeId: string,
  accountId: string,
): Promise<TrailStatus> {
  const equals = [nodeId, accountId]
  const heads = await records.page(TRAIL_HEADS, { index: 'key', equals, limit: CHAINS_MAX })
  const files = await records.page(TRAIL_LOG_FILES, { index: 'key', equals, limit: FILES_MAX })
  const digests = heads.filter(({ record }) => record.digest !== undefined)
  const latestDigest = newestOf(digests.map(({ record }) => record.windowStart))
  const newest = files
    .map(({ record }) => record)
    .reduce<TrailLogFile | undefined>(
      (a, b) => (a === undefined || b.lastSequence > a.lastSequence ? b : a),
      undefined,
    )
  const [delivered] =
    newest === undefined ? [] : await objects.list(accountId, { prefix: newest.key, limit: 1 })
  return {
    since: oldestOf(heads.map(({ record }) => record.keptSince)),
    // Log files that a digest names were delivered before it.
    latestDelivery: delivered?.modifiedAt ?? latestDigest,
    latestDigest,
  }
}
