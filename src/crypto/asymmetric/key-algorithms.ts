import { assert } from '../../core/assert.ts'

/**
 * What each key spec with more than raw symmetric bytes is made of. Names, lengths and identifiers
 * stand here alone: code branches on `family` and takes the rest from the row.
 *
 * - `offThread`: the private operation costs more than about 70 µs and belongs on the thread pool.
 * - `importable`: AWS takes the material of such a key from outside.
 *
 * **Source:** AWS KMS Developer Guide, Key spec reference; FIPS 186-5; SEC 2; FIPS 203 and 204 (sizes);
 * GB/T 32918.5 (SM2); RFC 5480, 8410, 9881 and 9935 (object identifiers).
 */
export const KEY_ALGORITHMS = {
  RSA_2048: { family: 'rsa', modulusBits: 2048, importable: true, dataKeyPair: true },
  RSA_3072: { family: 'rsa', modulusBits: 3072, importable: true, dataKeyPair: true },
  RSA_4096: { family: 'rsa', modulusBits: 4096, importable: true, dataKeyPair: true },
  ECC_NIST_P256: {
    family: 'ec',
    curve: 'prime256v1',
    curveOid: '2a8648ce3d030107',
    scalarBytes: 32,
    hash: 'sha256',
    offThread: false,
    importable: true,
    dataKeyPair: true,
  },
  ECC_NIST_P384: {
    family: 'ec',
    curve: 'secp384r1',
    curveOid: '2b81040022',
    scalarBytes: 48,
    hash: 'sha384',
    offThread: true,
    importable: true,
    dataKeyPair: true,
  },
  ECC_NIST_P521: {
    family: 'ec',
    curve: 'secp521r1',
    curveOid: '2b81040023',
    scalarBytes: 66,
    hash: 'sha512',
    offThread: true,
    importable: true,
    dataKeyPair: true,
  },
  ECC_SECG_P256K1: {
    family: 'ec',
    curve: 'secp256k1',
    curveOid: '2b8104000a',
    scalarBytes: 32,
    hash: 'sha256',
    offThread: true,
    importable: true,
    dataKeyPair: true,
  },
  SM2: {
    family: 'sm2',
    curve: 'SM2',
    curveOid: '2a811ccf5501822d',
    scalarBytes: 32,
    hash: 'sm3',
    offThread: true,
    importable: true,
    dataKeyPair: true,
  },
  ECC_NIST_EDWARDS25519: { family: 'ed25519', importable: false, dataKeyPair: true },
  ML_DSA_44: mlDsa('ml-dsa-44', { publicKeyBytes: 1312, signatureBytes: 2420 }),
  ML_DSA_65: mlDsa('ml-dsa-65', { publicKeyBytes: 1952, signatureBytes: 3309 }),
  ML_DSA_87: mlDsa('ml-dsa-87', { publicKeyBytes: 2592, signatureBytes: 4627 }),
  ML_KEM_512: mlKem('ml-kem-512', { publicKeyBytes: 800, ciphertextBytes: 768 }),
  ML_KEM_768: mlKem('ml-kem-768', { publicKeyBytes: 1184, ciphertextBytes: 1088 }),
  ML_KEM_1024: mlKem('ml-kem-1024', { publicKeyBytes: 1568, ciphertextBytes: 1568 }),
} as const

/** A key spec that has a public key. */
export type AsymmetricSpec = keyof typeof KEY_ALGORITHMS
/** One row of the table, by family. */
export type KeyAlgorithm = (typeof KEY_ALGORITHMS)[AsymmetricSpec]
/** The families of asymmetric keys. */
export type KeyFamily = KeyAlgorithm['family']
/** The row of an elliptic curve in short Weierstrass form, SM2 included. */
export type CurveAlgorithm = Extract<KeyAlgorithm, { readonly curve: string }>
/** The key specs whose private key a caller may have generated for itself. No ML-DSA among them. */
export type DataKeyPairSpec = {
  [S in AsymmetricSpec]: (typeof KEY_ALGORITHMS)[S]['dataKeyPair'] extends true ? S : never
}[AsymmetricSpec]

function mlDsa<T extends string>(
  type: T,
  sizes: { readonly publicKeyBytes: number; readonly signatureBytes: number },
) {
  return { family: 'ml-dsa', type, ...sizes, importable: false, dataKeyPair: false } as const
}

function mlKem<T extends string>(
  type: T,
  sizes: { readonly publicKeyBytes: number; readonly ciphertextBytes: number },
) {
  return { family: 'ml-kem', type, ...sizes, importable: false, dataKeyPair: true } as const
}

/** Whether a name, perhaps a client's, is an asymmetric key spec. */
export const isAsymmetricSpec = (spec: string): spec is AsymmetricSpec =>
  Object.hasOwn(KEY_ALGORITHMS, spec)

/** The row of a curve. @throws {AssertionFailure} for a spec that is no curve. */
export function curveOf(spec: AsymmetricSpec): CurveAlgorithm {
  const algorithm = KEY_ALGORITHMS[spec]
  assert('curve' in algorithm, `${spec} is no curve in Weierstrass form`)
  return algorithm
}
