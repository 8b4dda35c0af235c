import type { KeyObject } from 'node:crypto'
import {
  constants,
  hash as digestOf,
  privateEncrypt,
  publicDecrypt,
  randomFillSync,
  timingSafeEqual,
} from 'node:crypto'
import { assert } from '../../core/assert.ts'

/** The hashes that RSA signs here. */
export type RsaHash = 'sha256' | 'sha384' | 'sha512'

const HASH_BYTES = { sha256: 32, sha384: 48, sha512: 64 } as const

/** What stands before the hash: AlgorithmIdentifier and the head of the octet string. Source: RFC 8017, section 9.2, note 1. */
const DIGEST_INFO = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
} as const

const digestInfo = (hash: RsaHash, digest: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(DIGEST_INFO[hash], 'hex'), digest])

/** RSASSA-PKCS1-v1_5 over a hash. **Source:** RFC 8017, section 8.2.1. */
export const signPkcs1Digest = (key: KeyObject, hash: RsaHash, digest: Uint8Array): Uint8Array =>
  privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, digestInfo(hash, digest))

/** **Source:** RFC 8017, section 8.2.2. */
export function verifyPkcs1Digest(
  key: KeyObject,
  hash: RsaHash,
  { digest, signature }: { readonly digest: Uint8Array; readonly signature: Uint8Array },
): boolean {
  if (signature.length !== modulusBytes(key)) return false
  try {
    const padded = publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature)
    return padded.equals(digestInfo(hash, digest))
  } catch {
    return false
  }
}

/** RSASSA-PSS over a hash, with a salt as long as the hash. **Source:** RFC 8017, sections 8.1.1 and 9.1.1. */
export function signPssDigest(key: KeyObject, hash: RsaHash, digest: Uint8Array): Uint8Array {
  const hashBytes = HASH_BYTES[hash]
  assert(digest.length === hashBytes, 'the digest is one of this hash')
  const salt = randomFillSync(new Uint8Array(hashBytes))
  const h = saltedHash(hash, digest, salt)
  const encoded = Buffer.alloc(modulusBytes(key))
  const maskedBytes = encoded.length - hashBytes - 1
  encoded[maskedBytes - hashBytes - 1] = 1
  encoded.set(salt, maskedBytes - hashBytes)
  xorMask(encoded.subarray(0, maskedBytes), hash, h)
  // The moduli here have whole bytes, so that exactly one bit stays free.
  encoded[0] = (encoded[0] ?? 0) & 0x7f
  encoded.set(h, maskedBytes)
  encoded[encoded.length - 1] = TRAILER
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded)
}

/** **Source:** RFC 8017, sections 8.1.2 and 9.1.2. */
export function verifyPssDigest(
  key: KeyObject,
  hash: RsaHash,
  { digest, signature }: { readonly digest: Uint8Array; readonly signature: Uint8Array },
): boolean {
  const hashBytes = HASH_BYTES[hash]
  if (signature.length !== modulusBytes(key)) return false
  let encoded: Buffer
  try {
    encoded = publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature)
  } catch {
    return false
  }
  const maskedBytes = encoded.length - hashBytes - 1
  if (encoded.at(-1) !== TRAILER || (encoded[0] ?? 0) >= 0x80) return false
  const h = encoded.subarray(maskedBytes, -1)
  const data = encoded.subarray(0, maskedBytes)
  xorMask(data, hash, h)
  data[0] = (data[0] ?? 0) & 0x7f
  const saltAt = maskedBytes - hashBytes
  for (let at = 0; at < saltAt - 1; at++) if (data[at] !== 0) return false
  if (data[saltAt - 1] !== 1) return false
  return timingSafeEqual(h, saltedHash(hash, digest, data.subarray(saltAt)))
}

const TRAILER = 0xbc
const EIGHT_ZEROS = new Uint8Array(8)

const saltedHash = (hash: RsaHash, digest: Uint8Array, salt: Uint8Array): Buffer =>
  digestOf(hash, Buffer.concat([EIGHT_ZEROS, digest, salt]), 'buffer')

/** MGF1, applied in place. **Source:** RFC 8017, appendix B.2.1. */
function xorMask(target: Uint8Array, hash: RsaHash, seed: Uint8Array): void {
  const input = Buffer.alloc(seed.length + 4)
  input.set(seed)
  for (let at = 0, counter = 0; at < target.length; counter++) {
    input.writeUInt32BE(counter, seed.length)
    const block = digestOf(hash, input, 'buffer')
    for (const byte of block.subarray(0, target.length - at)) {
      target[at] = (target[at] ?? 0) ^ byte
      at++
    }
  }
}

const modulusBytes = (key: KeyObject): number => {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  assert(bits > 0 && bits % 8 === 0, 'RSA keys have 2,048, 3,072 or 4,096 bits')
  return bits / 8
}
