import { ServiceError } from '../../../core/errors.ts'
import type { Call } from '../../../pipeline/call.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import type { DataKeyPairSpec } from '../model.ts'
import {
  awsRate,
  CUSTOM_KEY_STORE,
  keyGroup,
  operationGroup,
  pairGroup,
  type QuotaGroup,
} from './request-rates.ts'

/** How many buckets are kept before those that have filled up again are dropped. */
const BUCKETS_MAX = 50_000

/** What is left of a rate: refilled as time passes, up to what one second gives. */
interface Bucket {
  tokens: number
  /** When `tokens` was right. Unit: milliseconds since the epoch. */
  time: number
  /** Unit: calls per second. */
  readonly rate: number
}

/** A rate below one call a second still lets one call through at a time. */
const capacityOf = (rate: number): number => Math.max(1, rate)

/** Source: AWS KMS Developer Guide, Throttling requests. */
const throttled = (): ServiceError =>
  new ServiceError(
    'ThrottlingException',
    'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.',
  )

/**
 * AWS's request quotas: for each account, Region and group a bucket that one second's calls empty. Kept
 * by each node for itself.
 */
export class RequestQuotas {
  readonly #ownRates: ReadonlyMap<string, number>
  readonly #buckets = new Map<string, Bucket>()

  /** @param ownRates in place of AWS's; an operation that is named has a bucket of its own. Unit: calls per second */
  constructor(ownRates: ReadonlyMap<string, number> = new Map()) {
    this.#ownRates = ownRates
  }

  /** Counts a call whose group its operation tells. @throws ServiceError ThrottlingException */
  countOperation(call: Call): void {
    const { operation } = call
    const group = this.#ownRates.has(operation) ? operation : operationGroup(operation)
    if (group !== undefined) spend([this.#bucket(call, group, group)])
  }

  /**
   * Counts a call against what only its keys tell: their kind, the custom key stores that they are in,
   * the spec of the key pair that is to be made. @throws ServiceError ThrottlingException
   */
  countKeys(
    call: Call,
    input: { readonly KeyPairSpec?: DataKeyPairSpec },
    keys: readonly ResolvedKey[],
  ): void {
    const { operation } = call
    const buckets = new Set<Bucket>()
    if (!this.#ownRates.has(operation) && operationGroup(operation) === undefined) {
      for (const group of groupsOf(input, keys)) buckets.add(this.#bucket(call, group, group))
    }
    for (const { key } of keys) {
      if (key.customKeyStoreId === undefined || !IN_KEY_STORE.has(operation)) continue
      const name = `${CUSTOM_KEY_STORE} ${key.customKeyStoreId}`
      buckets.add(this.#bucket(call, CUSTOM_KEY_STORE, name))
    }
    spend([...buckets])
  }

  /** The bucket as it is at the time of the call. @param of what the bucket counts, within account and Region */
  #bucket({ accountId, region, time }: Call, group: QuotaGroup, of: string): Bucket {
    const name = `${accountId}/${region}/${of}`
    const present = this.#buckets.get(name)
    if (present !== undefined) {
      const { rate } = present
      // A clock that was set back gives nothing and takes nothing.
      const elapsedMs = Math.max(0, time - present.time)
      present.tokens = Math.min(capacityOf(rate), present.tokens + (elapsedMs * rate) / 1000)
      present.time = time
      return present
    }
    if (this.#buckets.size >= BUCKETS_MAX) this.#dropFull(time)
    const rate = this.#ownRates.get(group) ?? awsRate(group, region)
    const made = { tokens: capacityOf(rate), time, rate }
    this.#buckets.set(name, made)
    return made
  }

  /** A bucket that is full again is as good as none. Where none is, all start anew. */
  #dropFull(time: number): void {
    for (const [name, bucket] of this.#buckets) {
      const filled = bucket.tokens + ((time - bucket.time) * bucket.rate) / 1000
      if (filled >= capacityOf(bucket.rate)) this.#buckets.delete(name)
    }
    if (this.#buckets.size >= BUCKETS_MAX) this.#buckets.clear()
  }
}

/** Takes one call from each bucket, or from none. @throws ServiceError ThrottlingException */
function spend(buckets: readonly Bucket[]): void {
  if (buckets.some(({ tokens }) => tokens < 1)) throw throttled()
  for (const bucket of buckets) bucket.tokens -= 1
}

/** The groups that the key pair to be made, or the keys, put a call into. */
const groupsOf = (
  { KeyPairSpec }: { readonly KeyPairSpec?: DataKeyPairSpec },
  keys: readonly ResolvedKey[],
): readonly QuotaGroup[] =>
  KeyPairSpec === undefined ? keys.map(({ key }) => keyGroup(key.spec)) : [pairGroup(KeyPairSpec)]

/** Operations that ask the custom key store of a key to do something. */
const IN_KEY_STORE: ReadonlySet<string> = new Set([
  'Decrypt',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyWithoutPlaintext',
  'ReEncrypt',
])
