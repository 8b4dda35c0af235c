import type { KeyObject } from 'node:crypto'
import { assert } from '../core/assert.ts'
import type { Secret } from '../core/secret.ts'
import { createOneTimeCipher } from './one-time-cipher.ts'

/** Ids of root, domain and audit keys: 8 random bytes, written as 16 lower-case hex digits. */
export const CUSTODY_KEY_ID_BYTES = 8
const CUSTODY_KEY_ID = /^[0-9a-f]{16}$/

/** Whether `text` has the form of the id of a root, domain or audit key. */
export const isCustodyKeyId = (text: string): boolean => CUSTODY_KEY_ID.test(text)

/**
 * What a wrapped value is bound to: a purpose and whatever names the one place where it may stand.
 * **Source:** docs/formats/custody.md, Wrapped value.
 */
export type Place = readonly [purpose: string, ...identity: readonly string[]]

/** Wraps secrets under one wrapping key. */
export interface Wrapper {
  readonly keyId: string
  /** `secret` is borrowed; `nonce` is 16 fresh random bytes. */
  wrap(place: Place, secret: Secret, nonce: Uint8Array): Uint8Array
  /** Undefined for every kind of failure. The caller owns the secret. */
  unwrap(place: Place, wrapped: Uint8Array): Secret | undefined
}

const VERSION = 1
/** Where the id of the wrapping key stands in a wrapped value. */
export const WRAPPING_KEY_ID_AT = 1
const LABEL = 'strongroom wrapped v1'

/**
 * Wraps under `key`, whose id the wrapped values name.
 * **Source:** docs/formats/custody.md, Wrapped value.
 */
export function createWrapper(keyId: string, key: KeyObject): Wrapper {
  assert(isCustodyKeyId(keyId), 'a wrapping key has an id of 16 hex digits')
  const prefix = Buffer.alloc(WRAPPING_KEY_ID_AT + CUSTODY_KEY_ID_BYTES)
  prefix[0] = VERSION
  prefix.write(keyId, WRAPPING_KEY_ID_AT, 'hex')
  const cipher = createOneTimeCipher(key, { label: LABEL, prefix })
  return {
    keyId,
    wrap: (place, secret, nonce) => cipher.encrypt(secret, place, nonce),
    unwrap: (place, wrapped) => cipher.decrypt(wrapped, place),
  }
}
