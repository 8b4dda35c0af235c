import type { Partition } from './regions.ts'

/** What a key may be used for: its whole life one of these. Source: AWS KMS API Reference, CreateKey, KeyUsage. */
export type KeyUsage =
  | 'ENCRYPT_DECRYPT'
  | 'SIGN_VERIFY'
  | 'GENERATE_VERIFY_MAC'
  | 'KEY_AGREEMENT'
  | 'ENCAPSULATE_DECAPSULATE'

export type EncryptionAlgorithm =
  | 'SYMMETRIC_DEFAULT'
  | 'RSAES_OAEP_SHA_1'
  | 'RSAES_OAEP_SHA_256'
  | 'SM2PKE'
export type SigningAlgorithm =
  | 'RSASSA_PSS_SHA_256'
  | 'RSASSA_PSS_SHA_384'
  | 'RSASSA_PSS_SHA_512'
  | 'RSASSA_PKCS1_V1_5_SHA_256'
  | 'RSASSA_PKCS1_V1_5_SHA_384'
  | 'RSASSA_PKCS1_V1_5_SHA_512'
  | 'ECDSA_SHA_256'
  | 'ECDSA_SHA_384'
  | 'ECDSA_SHA_512'
  | 'ED25519_SHA_512'
  | 'ED25519_PH_SHA_512'
  | 'ML_DSA_SHAKE_256'
  | 'SM2DSA'
export type MacAlgorithm = 'HMAC_SHA_224' | 'HMAC_SHA_256' | 'HMAC_SHA_384' | 'HMAC_SHA_512'
export type KeyAgreementAlgorithm = 'ECDH'
export type EncapsulationAlgorithm = 'ML_KEM'

/** Everything that a key spec allows: the one table that operations ask. */
export interface KeySpecRow {
  /** What the spec is, as far as operations tell specs apart. */
  readonly type: 'symmetric' | 'hmac' | 'asymmetric'
  readonly usages: readonly KeyUsage[]
  readonly encryptionAlgorithms?: readonly EncryptionAlgorithm[]
  readonly signingAlgorithms?: readonly SigningAlgorithm[]
  readonly macAlgorithms?: readonly MacAlgorithm[]
  readonly keyAgreementAlgorithms?: readonly KeyAgreementAlgorithm[]
  readonly encapsulationAlgorithms?: readonly EncapsulationAlgorithm[]
  /** Whether key material can be imported. */
  readonly importable: boolean
  /** The only partition that has it; all when absent. */
  readonly partition?: Partition
  /** The partition that does not have it. */
  readonly absentFrom?: Partition
}

const RSA: KeySpecRow = {
  type: 'asymmetric',
  usages: ['ENCRYPT_DECRYPT', 'SIGN_VERIFY'],
  encryptionAlgorithms: ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'],
  signingAlgorithms: [
    'RSASSA_PKCS1_V1_5_SHA_256',
    'RSASSA_PKCS1_V1_5_SHA_384',
    'RSASSA_PKCS1_V1_5_SHA_512',
    'RSASSA_PSS_SHA_256',
    'RSASSA_PSS_SHA_384',
    'RSASSA_PSS_SHA_512',
  ],
  importable: true,
}

const ecc = (algorithm: SigningAlgorithm): KeySpecRow => ({
  type: 'asymmetric',
  usages: ['SIGN_VERIFY', 'KEY_AGREEMENT'],
  signingAlgorithms: [algorithm],
  keyAgreementAlgorithms: ['ECDH'],
  importable: true,
})

const hmac = (algorithm: MacAlgorithm): KeySpecRow => ({
  type: 'hmac',
  usages: ['GENERATE_VERIFY_MAC'],
  macAlgorithms: [algorithm],
  importable: true,
})

const ML_DSA: KeySpecRow = {
  type: 'asymmetric',
  usages: ['SIGN_VERIFY'],
  signingAlgorithms: ['ML_DSA_SHAKE_256'],
  importable: false,
}

const ML_KEM: KeySpecRow = {
  type: 'asymmetric',
  usages: ['ENCAPSULATE_DECAPSULATE'],
  encapsulationAlgorithms: ['ML_KEM'],
  importable: false,
  // China Regions have neither Encapsulate nor Decapsulate.
  absentFrom: 'aws-cn',
}

/** Every key spec of AWS KMS. Source: AWS KMS Developer Guide, Key spec reference. */
export const KEY_SPECS = {
  SYMMETRIC_DEFAULT: {
    type: 'symmetric',
    usages: ['ENCRYPT_DECRYPT'],
    encryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
    importable: true,
  },
  RSA_2048: RSA,
  RSA_3072: RSA,
  RSA_4096: RSA,
  ECC_NIST_P256: ecc('ECDSA_SHA_256'),
  ECC_NIST_P384: ecc('ECDSA_SHA_384'),
  ECC_NIST_P521: ecc('ECDSA_SHA_512'),
  ECC_SECG_P256K1: {
    type: 'asymmetric',
    usages: ['SIGN_VERIFY'],
    signingAlgorithms: ['ECDSA_SHA_256'],
    importable: true,
  },
  ECC_NIST_EDWARDS25519: {
    type: 'asymmetric',
    usages: ['SIGN_VERIFY'],
    signingAlgorithms: ['ED25519_SHA_512', 'ED25519_PH_SHA_512'],
    importable: false,
  },
  HMAC_224: hmac('HMAC_SHA_224'),
  HMAC_256: hmac('HMAC_SHA_256'),
  HMAC_384: hmac('HMAC_SHA_384'),
  HMAC_512: hmac('HMAC_SHA_512'),
  SM2: {
    type: 'asymmetric',
    usages: ['ENCRYPT_DECRYPT', 'SIGN_VERIFY', 'KEY_AGREEMENT'],
    encryptionAlgorithms: ['SM2PKE'],
    signingAlgorithms: ['SM2DSA'],
    keyAgreementAlgorithms: ['ECDH'],
    importable: true,
    partition: 'aws-cn',
  },
  ML_DSA_44: ML_DSA,
  ML_DSA_65: ML_DSA,
  ML_DSA_87: ML_DSA,
  ML_KEM_512: ML_KEM,
  ML_KEM_768: ML_KEM,
  ML_KEM_1024: ML_KEM,
} as const satisfies Record<string, KeySpecRow>

export type KeySpec = keyof typeof KEY_SPECS

/** The row of a spec, with every member that a row may have. */
export const keySpecRow = (spec: KeySpec): KeySpecRow => KEY_SPECS[spec]

/** Whether a partition has keys, and data key pairs, of a spec. */
export function isSpecIn(spec: KeySpec, partition: Partition): boolean {
  const row = keySpecRow(spec)
  if (row.partition !== undefined && row.partition !== partition) return false
  return row.absentFrom !== partition
}

/** Bytes of the key material of SYMMETRIC_DEFAULT. */
export const SYMMETRIC_MATERIAL_BYTES = 32
