import type { ServiceError } from '../core/errors.ts'
import type { Call } from './call.ts'

/** Operations, accounts and Regions that are counted at once; beyond that counting starts anew. */
const BUCKETS_MAX = 10_000

interface Bucket {
  tokens: number
  /** When `tokens` was right. Unit: milliseconds since the epoch. */
  time: number
}

/** Counts calls of a service's operations: for each account and Region a bucket that one second's calls empty. */
export class CallRate {
  readonly #rates: ReadonlyMap<string, number>
  readonly #refuse: () => ServiceError
  readonly #buckets = new Map<string, Bucket>()

  /** @param rates by operation; one that is not named is not counted. Unit: calls per second, 1 at least */
  constructor(rates: ReadonlyMap<string, number>, refuse: () => ServiceError) {
    this.#rates = rates
    this.#refuse = refuse
  }

  /** @throws ServiceError as it was made with */
  readonly count = ({ operation, accountId, region, time }: Call): void => {
    const rate = this.#rates.get(operation)
    if (rate === undefined) return
    const name = `${operation}/${accountId}/${region}`
    const bucket = this.#buckets.get(name) ?? { tokens: rate, time }
    // A clock that was set back gives nothing and takes nothing.
    const earned = (Math.max(0, time - bucket.time) * rate) / 1000
    bucket.tokens = Math.min(rate, bucket.tokens + earned)
    bucket.time = time
    if (this.#buckets.size >= BUCKETS_MAX) this.#buckets.clear()
    this.#buckets.set(name, bucket)
    if (bucket.tokens < 1) throw this.#refuse()
    bucket.tokens -= 1
  }
}
