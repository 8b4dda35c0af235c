import type { KeyId, KeyMaterialId } from './ids.ts'
import type { Key } from './key.ts'
import type { ImportFailure, ImportWrapping } from './key-import.ts'
import type { EncryptionAlgorithm, KeySpec, MacAlgorithm, SigningAlgorithm } from './key-specs.ts'
import type { Records } from './records.ts'
import type { Secret } from './secret.ts'

/** The caller's name-value pairs; a null-prototype object of well-formed text. */
export type EncryptionContext = Readonly<Record<string, string>>

/** Where the cryptography of a key happens. */
export type CiphertextKind = 'software' | 'hsm' | 'external'

/** What a ciphertext says about itself before anything is decrypted: claims, until it decrypts. */
export interface ParsedCiphertext {
  readonly kind: CiphertextKind
  readonly keyId: KeyId
  /** 16 lower-case hex digits: how the key material id of the backing key begins. */
  readonly materialIdPrefix: string
  /** The whole ciphertext, borrowed from the caller of `parseCiphertext`. */
  readonly bytes: Uint8Array
}

/** The outcome of an encryption: the blob, and which backing key made it. */
export interface Encrypted {
  readonly ciphertext: Uint8Array
  readonly materialId: string
}

/** The outcome of a decryption. The caller owns the plaintext. */
export interface Decrypted {
  readonly plaintext: Secret
  readonly materialId: string
}

/** Freshly made key material. The caller owns the secret. */
export interface NewMaterial {
  readonly material: Secret
  readonly materialId: KeyMaterialId
  /** DER SubjectPublicKeyInfo; asymmetric specs only. */
  readonly publicKey: Uint8Array | undefined
}

/** A key pair for the caller's own use. The caller owns the secret. */
export interface DataKeyPair {
  /** PKCS#8, DER. */
  readonly privateKey: Secret
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array
}

/** A message to sign or to verify, of a length that fits the algorithm. Borrowed. */
export interface SignedMessage {
  readonly algorithm: SigningAlgorithm
  readonly messageType: 'RAW' | 'DIGEST' | 'EXTERNAL_MU'
  readonly message: Secret
}

/**
 * Where a key's cryptography happens. Only implementations see key material. The callers have checked
 * state, usage, algorithm and sizes. `records` is the view that the call reads with: the
 * transaction's own inside one. @throws {IntegrityError} where a key has no material.
 */
export interface KeyStore {
  /** Makes material for a new key, or a new generation of it. What is slow runs off the main thread. */
  createMaterial(spec: KeySpec, keyId: KeyId): Promise<NewMaterial>

  /** Makes a key pair that no KMS key is made of; `spec` is one of an asymmetric key. */
  createDataKeyPair(spec: KeySpec): Promise<DataKeyPair>

  /** Makes a key pair to wrap key material under. The caller owns the secret. */
  createWrappingKey(
    spec: ImportWrapping['wrappingKeySpec'],
  ): Promise<{ readonly wrappingKey: Secret; readonly publicKey: Uint8Array }>
  /** Unwraps key material from outside and checks that it is some of this key's spec. `wrapping` is borrowed. */
  openImport(
    key: { readonly spec: KeySpec; readonly keyId: KeyId },
    wrapping: ImportWrapping,
    wrapped: Uint8Array,
  ): Promise<NewMaterial | ImportFailure>

  /** Encrypts under a symmetric key's current backing key. `plaintext` is borrowed. */
  encrypt(
    records: Records,
    key: Key,
    plaintext: Secret,
    context: EncryptionContext,
  ): Promise<Encrypted>
  /** Undefined for every kind of failure: unknown material, wrong context, altered, truncated. */
  decrypt(
    records: Records,
    key: Key,
    ciphertext: ParsedCiphertext,
    context: EncryptionContext,
  ): Promise<Decrypted | undefined>

  /** Encrypts to an RSA or SM2 key. `plaintext` is borrowed. */
  encryptAsymmetric(
    records: Records,
    key: Key,
    algorithm: EncryptionAlgorithm,
    plaintext: Secret,
  ): Promise<Uint8Array>
  /** Undefined for every kind of failure. */
  decryptAsymmetric(
    records: Records,
    key: Key,
    algorithm: EncryptionAlgorithm,
    ciphertext: Uint8Array,
  ): Promise<Secret | undefined>

  sign(records: Records, key: Key, message: SignedMessage): Promise<Uint8Array>
  verify(
    records: Records,
    key: Key,
    message: SignedMessage,
    signature: Uint8Array,
  ): Promise<boolean>

  generateMac(
    records: Records,
    key: Key,
    algorithm: MacAlgorithm,
    message: Secret,
  ): Promise<Uint8Array>
  /** In constant time. */
  verifyMac(
    records: Records,
    key: Key,
    algorithm: MacAlgorithm,
    message: Secret,
    mac: Uint8Array,
  ): Promise<boolean>

  /** Undefined for a public key that is none of the same curve. The caller owns the secret. */
  deriveSharedSecret(records: Records, key: Key, publicKey: Uint8Array): Promise<Secret | undefined>

  encapsulate(
    records: Records,
    key: Key,
  ): Promise<{ readonly sharedSecret: Secret; readonly ciphertext: Uint8Array }>
  /** Undefined for a wrong length; everything else gives some secret. */
  decapsulate(records: Records, key: Key, ciphertext: Uint8Array): Promise<Secret | undefined>
}
