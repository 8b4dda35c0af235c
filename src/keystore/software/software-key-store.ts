import { createSecretKey } from 'node:crypto'
import { IntegrityError } from '../../core/errors.ts'
import type { BackingKey, Key } from '../../core/key.ts'
import type {
  Decrypted,
  Encrypted,
  EncryptionContext,
  KeyStore,
  ParsedCiphertext,
} from '../../core/key-store.ts'
import type { Random } from '../../core/ports.ts'
import type { Records, Stored } from '../../core/records.ts'
import type { Secret } from '../../core/secret.ts'
import { BACKING_KEYS } from '../../core/tables.ts'
import { createMessageCipher, type MessageCipher } from '../../crypto/ciphertext.ts'

/** Bytes of the nonce of a message. Source: docs/formats/ciphertext-v1.md. */
const NONCE_BYTES = 16

/**
 * Does the cryptography of keys whose material lives wrapped in the store. Opened material is held as
 * a key object for as long as the record cache holds its record, so that what removes a record, or
 * replaces it, also ends the use of what was opened from it.
 */
export class SoftwareKeyStore implements KeyStore {
  readonly #random: Random
  readonly #ciphers = new WeakMap<Stored<BackingKey>, MessageCipher>()

  constructor(random: Random) {
    this.#random = random
  }

  /** Encrypts under the key's current backing key. `plaintext` is borrowed. */
  async encrypt(
    records: Records,
    key: Key,
    plaintext: Secret,
    context: EncryptionContext,
  ): Promise<Encrypted> {
    const stored = await records.find(BACKING_KEYS, [key.region, key.keyId, key.currentMaterialId])
    if (stored === undefined)
      throw new IntegrityError(`the current key material of key ${key.keyId} is missing`)
    const cipher = this.#cipherOf(records, stored)
    const ciphertext = cipher.encrypt(plaintext, context, this.#random.bytes(NONCE_BYTES))
    return { ciphertext, materialId: key.currentMaterialId }
  }

  /** Undefined for every kind of failure: unknown material, wrong context, altered, truncated. */
  async decrypt(
    records: Records,
    key: Key,
    ciphertext: ParsedCiphertext,
    context: EncryptionContext,
  ): Promise<Decrypted | undefined> {
    const stored = await this.#findMaterial(records, key, ciphertext.materialIdPrefix)
    if (stored === undefined) return undefined
    const plaintext = this.#cipherOf(records, stored).decrypt(ciphertext, context)
    return plaintext && { plaintext, materialId: stored.record.materialId }
  }

  /** The current backing key is found in the cache; an earlier one by one step in the key index. */
  async #findMaterial(
    records: Records,
    key: Key,
    prefix: string,
  ): Promise<Stored<BackingKey> | undefined> {
    if (key.currentMaterialId.startsWith(prefix)) {
      return records.find(BACKING_KEYS, [key.region, key.keyId, key.currentMaterialId])
    }
    const [candidate] = await records.page(BACKING_KEYS, {
      index: 'key',
      equals: [key.region, key.keyId],
      after: [prefix],
      limit: 1,
    })
    return candidate?.record.materialId.startsWith(prefix) === true ? candidate : undefined
  }

  #cipherOf(records: Records, stored: Stored<BackingKey>): MessageCipher {
    const cached = this.#ciphers.get(stored)
    if (cached !== undefined) return cached
    using material = records.unwrap(BACKING_KEYS, stored)
    const { keyId, materialId } = stored.record
    const cipher = createMessageCipher(keyId, materialId, createSecretKey(material.expose()))
    this.#ciphers.set(stored, cipher)
    return cipher
  }
}
