import type { Call } from '../../pipeline/call.ts'
import { rateExceeded } from './refusals.ts'

/** Calls of LookupEvents in a second, for each account and Region. Source: AWS CloudTrail User Guide, quotas. */
const LOOKUPS_PER_SECOND = 2
/** Accounts and Regions that are counted at once; beyond that counting starts anew. */
const BUCKETS_MAX = 10_000

interface Bucket {
  tokens: number
  time: number
}

/** Counts LookupEvents as AWS does. */
export class LookupRate {
  readonly #buckets = new Map<string, Bucket>()

  /** @throws ServiceError ThrottlingException */
  readonly count = ({ operation, accountId, region, time }: Call): void => {
    if (operation !== 'LookupEvents') return
    const name = `${accountId}/${region}`
    const bucket = this.#buckets.get(name) ?? { tokens: LOOKUPS_PER_SECOND, time }
    // A clock that was set back gives nothing and takes nothing.
    const earned = (Math.max(0, time - bucket.time) * LOOKUPS_PER_SECOND) / 1000
    bucket.tokens = Math.min(LOOKUPS_PER_SECOND, bucket.tokens + earned)
    bucket.time = time
    if (this.#buckets.size >= BUCKETS_MAX) this.#buckets.clear()
    this.#buckets.set(name, bucket)
    if (bucket.tokens < 1) throw rateExceeded()
    bucket.tokens -= 1
  }
}
