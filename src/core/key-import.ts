import type { Secret } from './secret.ts'

/** The key pairs that key material can be wrapped under on its way here. Source: AWS KMS API Reference, GetParametersForImport. */
export type WrappingKeySpec = 'RSA_2048' | 'RSA_3072' | 'RSA_4096' | 'SM2'

/** How it is wrapped. Source: as above. */
export type WrappingAlgorithm =
  | 'RSAES_OAEP_SHA_1'
  | 'RSAES_OAEP_SHA_256'
  | 'RSA_AES_KEY_WRAP_SHA_1'
  | 'RSA_AES_KEY_WRAP_SHA_256'
  | 'SM2PKE'

/** A key pair to wrap key material under, and how. */
export interface ImportWrapping {
  readonly wrappingKeySpec: WrappingKeySpec
  readonly wrappingAlgorithm: WrappingAlgorithm
  /** PKCS#8, DER. */
  readonly wrappingKey: Secret
}

/** Why wrapped key material was not taken: it did not unwrap, or what was in it is no material of the key spec. */
export type ImportFailure = 'not unwrapped' | 'not material'
