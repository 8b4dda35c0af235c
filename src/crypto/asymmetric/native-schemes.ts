import { assert } from '../../core/assert.ts'
import { KEY_ALGORITHMS } from './key-algorithms.ts'
import type { NativeScheme } from './openssl-ffi.ts'
import type { ReadyMadeInput } from './ready-made-input.ts'
import { SIGNING_ALGORITHMS } from './signing-algorithms.ts'

const HASH_NAMES = { sha256: 'SHA2-256', sha384: 'SHA2-384', sha512: 'SHA2-512' } as const
type HashName = keyof typeof HASH_NAMES

const pkcs1 = (hash: HashName): NativeScheme => ({
  signature: undefined,
  parameters: [
    ['pad-mode', 'pkcs1'],
    ['digest', HASH_NAMES[hash]],
  ],
})

const pss = (hash: HashName): NativeScheme => ({
  signature: undefined,
  parameters: [
    ['pad-mode', 'pss'],
    ['digest', HASH_NAMES[hash]],
    ['mgf1-digest', HASH_NAMES[hash]],
    ['saltlen', 'digest'],
  ],
})

const externalMu = (signature: string): NativeScheme => ({ signature, parameters: [['mu', 1]] })

/**
 * How OpenSSL is told to sign a ready-made input.
 * **Source:** OpenSSL 3.5, EVP_SIGNATURE-RSA(7), -ECDSA(7), -ED25519(7), -ML-DSA(7).
 */
export const NATIVE_SCHEMES = {
  // Of an elliptic curve OpenSSL signs what it is given, SM2 included: no algorithm to fetch, no parameters.
  CURVE_DIGEST: { signature: undefined, parameters: [] },
  RSASSA_PKCS1_V1_5_SHA_256: pkcs1('sha256'),
  RSASSA_PKCS1_V1_5_SHA_384: pkcs1('sha384'),
  RSASSA_PKCS1_V1_5_SHA_512: pkcs1('sha512'),
  RSASSA_PSS_SHA_256: pss('sha256'),
  RSASSA_PSS_SHA_384: pss('sha384'),
  RSASSA_PSS_SHA_512: pss('sha512'),
  ED25519_PH: { signature: 'ED25519ph', parameters: [] },
  ML_DSA_44: externalMu('ML-DSA-44'),
  ML_DSA_65: externalMu('ML-DSA-65'),
  ML_DSA_87: externalMu('ML-DSA-87'),
} as const satisfies Record<string, NativeScheme>

export type NativeSchemeName = keyof typeof NATIVE_SCHEMES

/** Which of the schemes an input takes. */
export function nativeSchemeOf({ spec, algorithm }: ReadyMadeInput): NativeSchemeName {
  const { family } = SIGNING_ALGORITHMS[algorithm]
  assert(KEY_ALGORITHMS[spec].family === family, `${spec} signs with ${algorithm}`)
  if (family === 'ec' || family === 'sm2') return 'CURVE_DIGEST'
  if (algorithm === 'ED25519_PH_SHA_512') return 'ED25519_PH'
  const name = family === 'ml-dsa' ? spec : algorithm
  assert(isNativeScheme(name), `${algorithm} takes a ready-made input`)
  return name
}

const isNativeScheme = (name: string): name is NativeSchemeName =>
  Object.hasOwn(NATIVE_SCHEMES, name)
