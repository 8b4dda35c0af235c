import type { webcrypto } from 'node:crypto'
import { constants, publicEncrypt, subtle } from 'node:crypto'
import { assert } from '../../core/assert.ts'
import { Secret } from '../../core/secret.ts'
import { isOneDerElement } from './der.ts'
import type { AsymmetricEngine } from './engine.ts'
import type { AsymmetricSpec } from './key-algorithms.ts'
import { KEY_ALGORITHMS } from './key-algorithms.ts'
import type { OpenKeyPair, OpenPublicKey } from './key-pair.ts'

/** The encryption algorithms of asymmetric keys. */
export type AsymmetricEncryptionAlgorithm = 'RSAES_OAEP_SHA_1' | 'RSAES_OAEP_SHA_256' | 'SM2PKE'
type OaepAlgorithm = Exclude<AsymmetricEncryptionAlgorithm, 'SM2PKE'>

/** MGF1 takes the same hash; the label is empty. **Source:** AWS KMS Developer Guide, Key spec reference. */
const OAEP = {
  RSAES_OAEP_SHA_1: { hash: 'sha1', webHash: 'SHA-1', hashBytes: 20 },
  RSAES_OAEP_SHA_256: { hash: 'sha256', webHash: 'SHA-256', hashBytes: 32 },
} as const

/** AWS's own limit; SM2 as such has none. **Source:** AWS KMS API Reference, Encrypt. */
const SM2_PLAINTEXT_BYTES_MAX = 1024

/**
 * The longest plaintext in bytes, or undefined where the spec does not encrypt with the algorithm.
 * **Source:** RFC 8017, section 7.1.1, and AWS KMS API Reference, Encrypt.
 */
export function plaintextBytesMax(
  spec: AsymmetricSpec,
  algorithm: AsymmetricEncryptionAlgorithm,
): number | undefined {
  const own = KEY_ALGORITHMS[spec]
  if (algorithm === 'SM2PKE') return own.family === 'sm2' ? SM2_PLAINTEXT_BYTES_MAX : undefined
  if (own.family !== 'rsa') return undefined
  return own.modulusBits / 8 - 2 * OAEP[algorithm].hashBytes - 2
}

/** Encrypts. `plaintext` is borrowed; the caller has checked it against `plaintextBytesMax`. */
export async function encrypt(
  engine: AsymmetricEngine,
  key: OpenPublicKey,
  algorithm: AsymmetricEncryptionAlgorithm,
  plaintext: Secret,
): Promise<Uint8Array> {
  const bytesMax = plaintextBytesMax(key.spec, algorithm)
  assert(bytesMax !== undefined, `${key.spec} encrypts with ${algorithm}`)
  assert(plaintext.sizeBytes <= bytesMax, `at most ${bytesMax} bytes of plaintext`)
  if (algorithm === 'SM2PKE') {
    return engine.readyMade.sm2Encrypt(key.publicKey, plaintext.expose())
  }
  // Public RSA operations are cheaper than the way to another thread.
  return publicEncrypt(
    {
      key: key.publicKey,
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: OAEP[algorithm].hash,
    },
    plaintext.expose(),
  )
}

/** Decrypts. Undefined for every kind of failure, one like the other. The caller owns the plaintext. */
export async function decrypt(
  engine: AsymmetricEngine,
  key: OpenKeyPair,
  algorithm: AsymmetricEncryptionAlgorithm,
  ciphertext: Uint8Array,
): Promise<Secret | undefined> {
  assert(plaintextBytesMax(key.spec, algorithm) !== undefined, `${key.spec} knows ${algorithm}`)
  if (algorithm === 'SM2PKE') {
    // OpenSSL ignores what follows the structure.
    if (!isOneDerElement(ciphertext)) return undefined
    const plaintext = await engine.readyMade.sm2Decrypt(key.privateKey, ciphertext)
    return plaintext && new Secret(plaintext)
  }
  return decryptOaep(engine, key, algorithm, ciphertext)
}

/** WebCrypto, because `privateDecrypt` knows no other thread than the caller's. */
async function decryptOaep(
  { gate }: AsymmetricEngine,
  key: OpenKeyPair,
  algorithm: OaepAlgorithm,
  ciphertext: Uint8Array,
): Promise<Secret | undefined> {
  const own = KEY_ALGORITHMS[key.spec]
  if (own.family !== 'rsa' || ciphertext.length !== own.modulusBits / 8) return undefined
  const webKey: webcrypto.CryptoKey = key.privateKey.toCryptoKey(
    { name: 'RSA-OAEP', hash: OAEP[algorithm].webHash },
    false,
    ['decrypt'],
  )
  return gate.run(async () => {
    try {
      const plaintext = await subtle.decrypt(
        { name: 'RSA-OAEP' },
        webKey,
        Uint8Array.from(ciphertext),
      )
      return new Secret(new Uint8Array(plaintext))
    } catch {
      return undefined
    }
  })
}
