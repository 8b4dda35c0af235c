import { assert } from '../../core/assert.ts'
import { DependencyError } from '../../core/errors.ts'
import type { OidcKeys } from '../../core/identity.ts'
import { OIDC_KEYS } from '../../core/identity-tables.ts'
import type { Clock, Log, ProviderDocuments } from '../../core/ports.ts'
import type { Records, Stored } from '../../core/records.ts'
import { isJsonObject, parseStrictJson } from '../../core/strict-json.ts'
import { keysFor, type ProviderKey, parseKeySet, type TokenHeader } from './key-set.ts'

/** How long fetched keys are used without asking again. */
const FRESH_MS = 3_600_000
/** How long fetched keys are used at most while their provider cannot be reached. */
const STALE_MS = 86_400_000
/** A token that names an unknown key makes us ask again, this often at most. */
const REFRESH_INTERVAL_MS = 60_000
/** After a failure nothing is asked of a provider for so long. */
const FAILURE_PAUSE_MS = 10_000
/** Providers whose keys are held. */
const PROVIDERS_MAX = 1000
/** Providers that are asked at once. */
const FETCHES_MAX = 16

/** Which provider: its URL without the scheme, and the `iss` that its tokens have. */
export interface ProviderRef {
  readonly url: string
  readonly issuer: string
}

/** A provider answered something that has no keys in it: to be told apart from one that does not answer. */
export class NoKeysError extends Error {
  override readonly name = 'NoKeysError'
}

interface Fetched {
  readonly keys: readonly ProviderKey[]
  /** When they were fetched, and when that was last tried. Unit: milliseconds. */
  readonly fetchedAt: number
  triedAt: number
}

export interface ProviderKeysParts {
  readonly documents: ProviderDocuments
  /** The machine's clock: how old keys are has nothing to do with a moved one. */
  readonly machine: Clock
  /** Told why keys were not fetched: callers are not. */
  readonly log: Pick<Log, 'warn'>
}

/**
 * The public keys of identity providers: those that an operator gave, and of other providers those that they
 * publish, fetched when they are needed and held for an hour.
 */
export class ProviderKeys {
  readonly #parts: ProviderKeysParts
  readonly #given = new WeakMap<Stored<OidcKeys>, readonly ProviderKey[]>()
  readonly #fetched = new Map<string, Fetched>()
  readonly #failures = new Map<string, { readonly at: number; readonly error: Error }>()
  readonly #fetches = new Map<string, Promise<Fetched>>()

  constructor(parts: ProviderKeysParts) {
    this.#parts = parts
  }

  /**
   * The keys of a provider that may have signed a token; none where it has no such key.
   * Rejects with `DependencyError` where the provider cannot be reached, with `NoKeysError` where it gives no keys.
   */
  async find(
    records: Records,
    provider: ProviderRef,
    header: TokenHeader,
  ): Promise<readonly ProviderKey[]> {
    const stored = await records.find(OIDC_KEYS, [provider.url])
    if (stored !== undefined) return keysFor(this.#keysGiven(stored), header)
    const held = this.#fetched.get(provider.issuer)
    const now = this.#parts.machine.now()
    if (held !== undefined) {
      const matching = keysFor(held.keys, header)
      if (now - held.fetchedAt < FRESH_MS && matching.length > 0) return matching
      const isPaused = now - held.triedAt < REFRESH_INTERVAL_MS
      if (isPaused && now - held.fetchedAt < STALE_MS) return matching
    }
    return keysFor((await this.#refresh(provider, held)).keys, header)
  }

  #keysGiven(stored: Stored<OidcKeys>): readonly ProviderKey[] {
    let keys = this.#given.get(stored)
    if (keys === undefined) {
      keys = parseKeySet(stored.record.jwks).keys
      assert(keys !== undefined, 'a stored key set is well-formed')
      this.#given.set(stored, keys)
    }
    return keys
  }

  /** Fetches, or goes on with what is held where that fails. */
  async #refresh(provider: ProviderRef, held: Fetched | undefined): Promise<Fetched> {
    const { machine } = this.#parts
    if (held !== undefined) held.triedAt = machine.now()
    try {
      return await this.#fetchOnce(provider)
    } catch (error) {
      if (held !== undefined && machine.now() - held.fetchedAt < STALE_MS) return held
      throw error
    }
  }

  /** One fetch for all who wait for it. */
  #fetchOnce(provider: ProviderRef): Promise<Fetched> {
    const { issuer } = provider
    const underway = this.#fetches.get(issuer)
    if (underway !== undefined) return underway
    const failure = this.#failures.get(issuer)
    if (failure !== undefined) {
      if (this.#parts.machine.now() - failure.at < FAILURE_PAUSE_MS) {
        return Promise.reject(failure.error)
      }
      this.#failures.delete(issuer)
    }
    if (this.#fetches.size >= FETCHES_MAX) {
      return Promise.reject(new DependencyError('too many identity providers are asked at once'))
    }
    const fetch = this.#fetch(provider).finally(() => this.#fetches.delete(issuer))
    this.#fetches.set(issuer, fetch)
    return fetch
  }

  async #fetch({ issuer }: ProviderRef): Promise<Fetched> {
    const { documents, machine, log } = this.#parts
    try {
      const location = keysLocation(issuer, await documents.fetch(discoveryUrl(issuer)))
      const set = parseKeySet(await documents.fetch(location))
      if (set.keys === undefined) throw new NoKeysError(`the key set is of no use: ${set.problem}`)
      const now = machine.now()
      const fetched = { keys: set.keys, fetchedAt: now, triedAt: now }
      hold(this.#fetched, issuer, fetched)
      return fetched
    } catch (error) {
      const failure = error instanceof Error ? error : new DependencyError('no keys were fetched')
      const fields = { provider: issuer, reason: failure.message }
      log.warn(fields, 'the keys of an identity provider were not fetched')
      hold(this.#failures, issuer, { at: machine.now(), error: failure })
      throw failure
    }
  }
}

/** The newest behind the others; above the limit the oldest goes. */
function hold<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key)
  if (map.size >= PROVIDERS_MAX) {
    const [oldest] = map.keys()
    if (oldest !== undefined) map.delete(oldest)
  }
  map.set(key, value)
}

/** Source: OpenID Connect Discovery 1.0, section 4. */
const discoveryUrl = (issuer: string): string =>
  `${issuer.endsWith('/') ? issuer.slice(0, -1) : issuer}/.well-known/openid-configuration`

/** Where the keys are, by the provider's own description, which must be of this very issuer. */
function keysLocation(issuer: string, text: string): string {
  const parsed = parseStrictJson(text)
  if (!parsed.ok || !isJsonObject(parsed.value)) {
    throw new NoKeysError('the description of the provider is not a JSON object')
  }
  const { issuer: described, jwks_uri: location } = parsed.value
  if (described !== issuer) {
    throw new NoKeysError('the description of the provider is of another issuer')
  }
  if (typeof location !== 'string') {
    throw new NoKeysError('the description of the provider does not say where its keys are')
  }
  return location
}
