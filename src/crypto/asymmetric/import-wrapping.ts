import { createDecipheriv } from 'node:crypto'
import { assert } from '../../core/assert.ts'
import { Secret } from '../../core/secret.ts'
import { decrypt } from './encryption.ts'
import type { AsymmetricEngine } from './engine.ts'
import type { AsymmetricSpec } from './key-algorithms.ts'
import { KEY_ALGORITHMS } from './key-algorithms.ts'
import type { OpenKeyPair } from './key-pair.ts'

/** The key pairs that GetParametersForImport offers to wrap under. */
export const WRAPPING_KEY_SPECS = ['RSA_2048', 'RSA_3072', 'RSA_4096', 'SM2'] as const
export type WrappingKeySpec = (typeof WRAPPING_KEY_SPECS)[number]

/**
 * How key material is wrapped for its way here.
 * **Source:** AWS KMS Developer Guide, Import key material, step 2.
 */
export const WRAPPING_ALGORITHMS = {
  RSAES_OAEP_SHA_1: { encryption: 'RSAES_OAEP_SHA_1', isHybrid: false },
  RSAES_OAEP_SHA_256: { encryption: 'RSAES_OAEP_SHA_256', isHybrid: false },
  RSA_AES_KEY_WRAP_SHA_1: { encryption: 'RSAES_OAEP_SHA_1', isHybrid: true },
  RSA_AES_KEY_WRAP_SHA_256: { encryption: 'RSAES_OAEP_SHA_256', isHybrid: true },
  SM2PKE: { encryption: 'SM2PKE', isHybrid: false },
} as const
export type WrappingAlgorithm = keyof typeof WRAPPING_ALGORITHMS

/**
 * Whether AWS lets material of `keySpec` come wrapped like this. A private RSA key is too long for RSA
 * itself, and so is one of P-521 for RSA_2048.
 * **Source:** AWS KMS API Reference, GetParametersForImport.
 */
export function isWrappingAllowed(
  keySpec: string,
  wrappingKeySpec: WrappingKeySpec,
  algorithm: WrappingAlgorithm,
): boolean {
  const { encryption, isHybrid } = WRAPPING_ALGORITHMS[algorithm]
  if ((encryption === 'SM2PKE') !== (wrappingKeySpec === 'SM2')) return false
  if (isHybrid) return true
  if (keySpec.startsWith('RSA_')) return false
  return !(keySpec === 'ECC_NIST_P521' && wrappingKeySpec === 'RSA_2048')
}

/**
 * Unwraps key material. Undefined for every kind of failure; the caller owns what it gets and has it
 * checked by `acceptMaterial`.
 * **Source:** RFC 8017, section 7.1; RFC 5649; AWS KMS Developer Guide, Import key material, step 3.
 */
export async function unwrapMaterial(
  engine: AsymmetricEngine,
  wrappingKey: OpenKeyPair,
  algorithm: WrappingAlgorithm,
  wrapped: Uint8Array,
): Promise<Secret | undefined> {
  const { encryption, isHybrid } = WRAPPING_ALGORITHMS[algorithm]
  if (!isHybrid) return decrypt(engine, wrappingKey, encryption, wrapped)
  const wrappedKeyBytes = modulusBytes(wrappingKey.spec)
  using aesKey = await decrypt(
    engine,
    wrappingKey,
    encryption,
    wrapped.subarray(0, wrappedKeyBytes),
  )
  if (aesKey?.sizeBytes !== AES_KEY_BYTES) return undefined
  return unwrapPadded(aesKey, wrapped.subarray(wrappedKeyBytes))
}

const AES_KEY_BYTES = 32
/** The alternative initial value. **Source:** RFC 5649, section 3. */
const KWP_INITIAL_VALUE = Uint8Array.of(0xa6, 0x59, 0x59, 0xa6)
/** One block holds up to eight bytes of material behind the integrity check. */
const KWP_BYTES_MIN = 16

/**
 * AES key unwrap with padding. Undefined for every kind of failure.
 * **Source:** RFC 5649, section 4.2; NIST SP 800-38F, algorithm 6.
 */
export function unwrapPadded(key: Secret, wrapped: Uint8Array): Secret | undefined {
  if (wrapped.length < KWP_BYTES_MIN || wrapped.length % 8 !== 0) return undefined
  try {
    const decipher = createDecipheriv('id-aes256-wrap-pad', key.expose(), KWP_INITIAL_VALUE)
    const material = decipher.update(wrapped)
    // OpenSSL gives everything at once; what is left would be an unwiped second part.
    assert(decipher.final().length === 0, 'a key is unwrapped in one piece')
    const owned = Uint8Array.from(material)
    material.fill(0)
    return new Secret(owned)
  } catch {
    return undefined
  }
}

const modulusBytes = (spec: AsymmetricSpec): number => {
  const algorithm = KEY_ALGORITHMS[spec]
  assert(algorithm.family === 'rsa', `${spec} is a key for RSA_AES_KEY_WRAP`)
  return algorithm.modulusBits / 8
}
