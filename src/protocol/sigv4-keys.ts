import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import type { Secret } from '../core/secret.ts'

/** What a signing key is good for. */
export interface SigningScope {
  /** `YYYYMMDD` */
  readonly date: string
  readonly region: string
  readonly service: string
}

const PREFIX = [0x41, 0x57, 0x53, 0x34] // AWS4

/**
 * The key that signs requests of one day, Region and service. `secretAccessKey` is borrowed.
 * **Source:** AWS IAM User Guide, Create a signed AWS API request, step 4.
 */
export function deriveSigningKey(secretAccessKey: Secret, scope: SigningScope): KeyObject {
  let key: Uint8Array = new Uint8Array(PREFIX.length + secretAccessKey.sizeBytes)
  key.set(PREFIX)
  key.set(secretAccessKey.expose(), PREFIX.length)
  for (const text of [scope.date, scope.region, scope.service, 'aws4_request']) {
    const next = createHmac('sha256', key).update(text).digest()
    key.fill(0)
    key = next
  }
  const signingKey = createSecretKey(key)
  key.fill(0)
  return signingKey
}

/** Regions times services that one credential signs for in a day; more are derived again. */
const SIGNING_KEYS_MAX = 64

/**
 * The signing keys of one credential, kept for the newest day they were asked for. It belongs on
 * the credential's cached record and goes with it: a credential that is revoked leaves none behind.
 */
export class SigningKeys {
  readonly #reveal: () => Secret
  readonly #keys = new Map<string, KeyObject>()
  #newestDate = ''

  /** `reveal` gives the secret access key to us, who wipe it after each use. It may throw. */
  constructor(reveal: () => Secret) {
    this.#reveal = reveal
  }

  /** `scope.scope` is `date/region/service/aws4_request`, as a `Signature` carries it. */
  get(scope: SigningScope & { readonly scope: string }): KeyObject {
    return this.#keys.get(scope.scope) ?? this.#derive(scope)
  }

  #derive(scope: SigningScope & { readonly scope: string }): KeyObject {
    using secret = this.#reveal()
    const key = deriveSigningKey(secret, scope)
    if (scope.date > this.#newestDate) {
      this.#newestDate = scope.date
      this.#keys.clear()
    }
    if (this.#keys.size >= SIGNING_KEYS_MAX) {
      const [oldest] = this.#keys.keys()
      if (oldest !== undefined) this.#keys.delete(oldest)
    }
    // A copy: the scope may be a slice of the request's head, which would live as long as the key.
    this.#keys.set(`${scope.date}/${scope.region}/${scope.service}/aws4_request`, key)
    return key
  }
}
