import { decapsulate as cryptoDecapsulate, encapsulate as cryptoEncapsulate } from 'node:crypto'
import { assert } from '../../core/assert.ts'
import { Secret } from '../../core/secret.ts'
import { KEY_ALGORITHMS } from './key-algorithms.ts'
import type { OpenKeyPair, OpenPublicKey } from './key-pair.ts'

/** A fresh shared secret, owned by the caller, and what carries it to the holder of the private key. */
export interface Encapsulated {
  readonly sharedSecret: Secret
  readonly ciphertext: Uint8Array
}

/**
 * A fresh shared secret of 32 bytes for the holder of the private key.
 * **Source:** FIPS 203, algorithm 20.
 */
export function encapsulate(key: OpenPublicKey): Encapsulated {
  assert(KEY_ALGORITHMS[key.spec].family === 'ml-kem', `${key.spec} encapsulates`)
  const { sharedKey, ciphertext } = cryptoEncapsulate(key.publicKey)
  return { sharedSecret: new Secret(sharedKey), ciphertext }
}

/**
 * The shared secret of 32 bytes. Undefined only for a ciphertext of the wrong length: any other that was
 * not made for this key gives pseudo-random bytes that only the sender's disagreement shows.
 * **Source:** FIPS 203, algorithm 21 (implicit rejection) and section 7.3 (length check).
 */
export function decapsulate(key: OpenKeyPair, ciphertext: Uint8Array): Secret | undefined {
  const algorithm = KEY_ALGORITHMS[key.spec]
  assert(algorithm.family === 'ml-kem', `${key.spec} decapsulates`)
  if (ciphertext.length !== algorithm.ciphertextBytes) return undefined
  return new Secret(cryptoDecapsulate(key.privateKey, ciphertext))
}
