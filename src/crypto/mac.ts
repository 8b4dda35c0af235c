import type { KeyObject } from 'node:crypto'
import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * HMAC keys. What is generated is as long as the hash; what is imported may be longer.
 * **Source:** AWS KMS Developer Guide, HMAC keys; Importing key material.
 */
export const MAC_KEYS = {
  HMAC_224: { algorithm: 'HMAC_SHA_224', hash: 'sha224', macBytes: 28 },
  HMAC_256: { algorithm: 'HMAC_SHA_256', hash: 'sha256', macBytes: 32 },
  HMAC_384: { algorithm: 'HMAC_SHA_384', hash: 'sha384', macBytes: 48 },
  HMAC_512: { algorithm: 'HMAC_SHA_512', hash: 'sha512', macBytes: 64 },
} as const
export type MacSpec = keyof typeof MAC_KEYS

/** The longest key material that is taken from outside, for every spec. */
export const MAC_MATERIAL_BYTES_MAX = 128

/** Whether a name, perhaps a client's, is the key spec of an HMAC key. */
export const isMacSpec = (spec: string): spec is MacSpec => Object.hasOwn(MAC_KEYS, spec)

/** The whole HMAC, not truncated. **Source:** RFC 2104; AWS KMS API Reference, GenerateMac. */
export const generateMac = (spec: MacSpec, key: KeyObject, message: Uint8Array): Uint8Array =>
  createHmac(MAC_KEYS[spec].hash, key).update(message).digest()

/** Whether `mac` is the whole HMAC of `message`, told in constant time. */
export function verifyMac(
  spec: MacSpec,
  key: KeyObject,
  { message, mac }: { readonly message: Uint8Array; readonly mac: Uint8Array },
): boolean {
  const expected = generateMac(spec, key, message)
  return expected.length === mac.length && timingSafeEqual(expected, mac)
}
