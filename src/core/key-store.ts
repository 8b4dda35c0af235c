import type { KeyId } from './ids.ts'
import type { Key } from './key.ts'
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

/**
 * Where a key's cryptography happens. Only implementations see key material.
 * `records` is the view that the call reads with: the transaction's own inside one.
 */
export interface KeyStore {
  /** Encrypts under the key's current backing key. `plaintext` is borrowed. @throws {IntegrityError} without that key */
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
}
