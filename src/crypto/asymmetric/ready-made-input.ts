import type { KeyObject } from 'node:crypto'
import type { AsymmetricSpec } from './key-algorithms.ts'
import type { SigningAlgorithm } from './signing-algorithms.ts'

/** A signature over an input that is not hashed by whoever signs. */
export interface ReadyMadeInput {
  readonly spec: AsymmetricSpec
  readonly algorithm: SigningAlgorithm
  /**
   * RSA and ECDSA: the hash of the message. SM2DSA: SM3 over ZA and the message. ML-DSA: mu.
   * ED25519_PH_SHA_512: the message, whose prehash belongs to the signature scheme itself.
   */
  readonly input: Uint8Array
}

/**
 * The operations that `node:crypto` cannot say: signatures over a ready-made input, and the
 * encryption and key agreement of SM2.
 * Two routes implement it, with the same results. Work above some 70 µs leaves the event loop where the
 * route can. Keys are borrowed until the promise settles.
 */
export interface ReadyMadeRoute {
  readonly name: 'openssl' | 'noble'
  sign(privateKey: KeyObject, what: ReadyMadeInput): Promise<Uint8Array>
  /** False for every signature that does not verify, however malformed. */
  verify(publicKey: KeyObject, what: ReadyMadeInput, signature: Uint8Array): Promise<boolean>
  /** The ASN.1 form of GB/T 35276: x, y, SM3 tag, ciphertext. `plaintext` has at least one byte. */
  sm2Encrypt(publicKey: KeyObject, plaintext: Uint8Array): Promise<Uint8Array>
  /** Undefined for every kind of failure. The caller owns the bytes. */
  sm2Decrypt(privateKey: KeyObject, ciphertext: Uint8Array): Promise<Uint8Array | undefined>
  /** The x coordinate of the shared point, owned by the caller; undefined for every kind of failure. */
  sm2Agree(privateKey: KeyObject, peer: KeyObject): Promise<Uint8Array | undefined>
  /** Ends threads of its own. Work under way is lost. */
  close(): Promise<void>
}
