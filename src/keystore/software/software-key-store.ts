import { createSecretKey, type KeyObject } from 'node:crypto'
import { assert } from '../../core/assert.ts'
import { IntegrityError } from '../../core/errors.ts'
import type { KeyId, KeyMaterialId } from '../../core/ids.ts'
import type { BackingKey, Key } from '../../core/key.ts'
import type { ImportFailure, ImportWrapping } from '../../core/key-import.ts'
import type { EncryptionAlgorithm, MacAlgorithm } from '../../core/key-specs.ts'
import { type KeySpec, SYMMETRIC_MATERIAL_BYTES } from '../../core/key-specs.ts'
import type {
  DataKeyPair,
  Decrypted,
  Encrypted,
  EncryptionContext,
  KeyStore,
  NewMaterial,
  ParsedCiphertext,
  SignedMessage,
} from '../../core/key-store.ts'
import type { Random } from '../../core/ports.ts'
import type { Records, Stored } from '../../core/records.ts'
import type { Secret } from '../../core/secret.ts'
import { BACKING_KEYS } from '../../core/tables.ts'
import { deriveSharedSecret } from '../../crypto/asymmetric/agreement.ts'
import { decapsulate, encapsulate } from '../../crypto/asymmetric/encapsulation.ts'
import { decrypt, encrypt } from '../../crypto/asymmetric/encryption.ts'
import type { AsymmetricEngine } from '../../crypto/asymmetric/engine.ts'
import { type AsymmetricSpec, isAsymmetricSpec } from '../../crypto/asymmetric/key-algorithms.ts'
import {
  generateKeyPairOf,
  type OpenKeyPair,
  openKeyPair,
  parsePublicKey,
} from '../../crypto/asymmetric/key-pair.ts'
import { sign, verify } from '../../crypto/asymmetric/signing.ts'
import { createMessageCipher, type MessageCipher } from '../../crypto/ciphertext.ts'
import { keyMaterialIdOf } from '../../crypto/key-material.ts'
import { generateMac, isMacSpec, MAC_KEYS, type MacSpec, verifyMac } from '../../crypto/mac.ts'
import { openImport } from './import.ts'

/** Bytes of the nonce of a message. Source: docs/formats/ciphertext-v1.md. */
const NONCE_BYTES = 16

/**
 * Does the cryptography of keys whose material lives wrapped in the store. Opened material is held as
 * key objects for as long as the record cache holds its record, so that what removes a record, or
 * replaces it, also ends the use of what was opened from it.
 */
export class SoftwareKeyStore implements KeyStore {
  readonly #random: Random
  readonly #engine: AsymmetricEngine
  readonly #ciphers = new WeakMap<Stored<BackingKey>, MessageCipher>()
  readonly #macKeys = new WeakMap<Stored<BackingKey>, KeyObject>()
  readonly #keyPairs = new WeakMap<Stored<BackingKey>, OpenKeyPair>()
  /** The ids that prefixes in ciphertexts have turned out to begin; as many as a key has generations. */
  readonly #earlierIds = new WeakMap<Key, Map<string, KeyMaterialId>>()

  constructor(random: Random, engine: AsymmetricEngine) {
    this.#random = random
    this.#engine = engine
  }

  async createMaterial(spec: KeySpec, keyId: KeyId): Promise<NewMaterial> {
    if (isAsymmetricSpec(spec)) {
      const { material, publicKey } = await generateKeyPairOf(spec, this.#engine.gate)
      return { material, materialId: keyMaterialIdOf(keyId, material), publicKey }
    }
    const sizeBytes = isMacSpec(spec) ? MAC_KEYS[spec].macBytes : SYMMETRIC_MATERIAL_BYTES
    const material = this.#random.secret(sizeBytes)
    return { material, materialId: keyMaterialIdOf(keyId, material), publicKey: undefined }
  }

  async createDataKeyPair(spec: KeySpec): Promise<DataKeyPair> {
    assert(isAsymmetricSpec(spec), `${spec} has a public key`)
    const { material, publicKey } = await generateKeyPairOf(spec, this.#engine.gate)
    return { privateKey: material, publicKey }
  }

  async createWrappingKey(spec: ImportWrapping['wrappingKeySpec']) {
    const { material, publicKey } = await generateKeyPairOf(spec, this.#engine.gate)
    return { wrappingKey: material, publicKey }
  }

  openImport(
    key: { readonly spec: KeySpec; readonly keyId: KeyId },
    wrapping: ImportWrapping,
    wrapped: Uint8Array,
  ): Promise<NewMaterial | ImportFailure> {
    return openImport(this.#engine, key, wrapping, wrapped)
  }

  async encrypt(
    records: Records,
    key: Key,
    plaintext: Secret,
    context: EncryptionContext,
  ): Promise<Encrypted> {
    assertSymmetric(key)
    const stored = this.#atHand(records, key) ?? (await this.#current(records, key))
    const cipher = this.#cipherOf(records, stored)
    const ciphertext = cipher.encrypt(plaintext, context, this.#random.bytes(NONCE_BYTES))
    return { ciphertext, materialId: stored.record.materialId }
  }

  async decrypt(
    records: Records,
    key: Key,
    ciphertext: ParsedCiphertext,
    context: EncryptionContext,
  ): Promise<Decrypted | undefined> {
    assertSymmetric(key)
    const stored = await this.#findMaterial(records, key, ciphertext.materialIdPrefix)
    if (stored === undefined) return undefined
    const plaintext = this.#cipherOf(records, stored).decrypt(ciphertext, context)
    return plaintext && { plaintext, materialId: stored.record.materialId }
  }

  async encryptAsymmetric(
    records: Records,
    key: Key,
    algorithm: EncryptionAlgorithm,
    plaintext: Secret,
  ): Promise<Uint8Array> {
    assert(algorithm !== 'SYMMETRIC_DEFAULT', 'an asymmetric key has algorithms of its own')
    return encrypt(this.#engine, await this.#keyPair(records, key), algorithm, plaintext)
  }

  async decryptAsymmetric(
    records: Records,
    key: Key,
    algorithm: EncryptionAlgorithm,
    ciphertext: Uint8Array,
  ): Promise<Secret | undefined> {
    assert(algorithm !== 'SYMMETRIC_DEFAULT', 'an asymmetric key has algorithms of its own')
    return decrypt(this.#engine, await this.#keyPair(records, key), algorithm, ciphertext)
  }

  async sign(records: Records, key: Key, message: SignedMessage): Promise<Uint8Array> {
    const input = { ...message, message: message.message.expose() }
    return await sign(this.#engine, await this.#keyPair(records, key), input)
  }

  async verify(
    records: Records,
    key: Key,
    message: SignedMessage,
    signature: Uint8Array,
  ): Promise<boolean> {
    const input = { ...message, message: message.message.expose() }
    return await verify(this.#engine, await this.#keyPair(records, key), input, signature)
  }

  async generateMac(
    records: Records,
    key: Key,
    algorithm: MacAlgorithm,
    message: Secret,
  ): Promise<Uint8Array> {
    return generateMac(
      macSpecOf(key, algorithm),
      await this.#macKey(records, key),
      message.expose(),
    )
  }

  async verifyMac(
    records: Records,
    key: Key,
    algorithm: MacAlgorithm,
    message: Secret,
    mac: Uint8Array,
  ): Promise<boolean> {
    const macKey = await this.#macKey(records, key)
    return verifyMac(macSpecOf(key, algorithm), macKey, { message: message.expose(), mac })
  }

  async deriveSharedSecret(
    records: Records,
    key: Key,
    publicKey: Uint8Array,
  ): Promise<Secret | undefined> {
    const peer = parsePublicKey(asymmetricSpecOf(key), publicKey)
    if (peer === undefined) return undefined
    return deriveSharedSecret(this.#engine, await this.#keyPair(records, key), peer)
  }

  async encapsulate(records: Records, key: Key) {
    return encapsulate(await this.#keyPair(records, key))
  }

  async decapsulate(
    records: Records,
    key: Key,
    ciphertext: Uint8Array,
  ): Promise<Secret | undefined> {
    return decapsulate(await this.#keyPair(records, key), ciphertext)
  }

  /** The record of the key's current backing key, where it is in memory; undefined says nothing. */
  #atHand(
    records: Records,
    { region, keyId, currentMaterialId }: Key,
  ): Stored<BackingKey> | undefined {
    return currentMaterialId && records.peek(BACKING_KEYS, [region, keyId, currentMaterialId])
  }

  /** The record of the key's current backing key. */
  async #current(records: Records, key: Key): Promise<Stored<BackingKey>> {
    const { region, keyId, currentMaterialId } = key
    const stored =
      currentMaterialId && (await records.find(BACKING_KEYS, [region, keyId, currentMaterialId]))
    if (!stored) throw new IntegrityError(`the current key material of key ${keyId} is missing`)
    return stored
  }

  /** In one step among any number of generations; the second time from the cache. */
  async #findMaterial(
    records: Records,
    key: Key,
    prefix: string,
  ): Promise<Stored<BackingKey> | undefined> {
    if (key.currentMaterialId?.startsWith(prefix) === true) {
      return this.#atHand(records, key) ?? (await this.#current(records, key))
    }
    const { region, keyId } = key
    const known = this.#earlierIds.get(key)?.get(prefix)
    const candidate =
      (known && (await records.find(BACKING_KEYS, [region, keyId, known]))) ||
      (await this.#findEarlier(records, key, prefix))
    // What was deleted cannot open anything.
    return candidate === undefined || candidate.secret === null ? undefined : candidate
  }

  /** One step in the key index. What was imported and waits for its rotation has encrypted nothing. */
  async #findEarlier(
    records: Records,
    key: Key,
    prefix: string,
  ): Promise<Stored<BackingKey> | undefined> {
    const [candidate] = await records.page(BACKING_KEYS, {
      index: 'key',
      equals: [key.region, key.keyId],
      after: [prefix],
      limit: 1,
    })
    if (candidate?.record.materialId.startsWith(prefix) !== true) return undefined
    const ids = this.#earlierIds.get(key) ?? new Map<string, KeyMaterialId>()
    this.#earlierIds.set(key, ids.set(prefix, candidate.record.materialId))
    return candidate
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

  async #macKey(records: Records, key: Key): Promise<KeyObject> {
    const stored = this.#atHand(records, key) ?? (await this.#current(records, key))
    const cached = this.#macKeys.get(stored)
    if (cached !== undefined) return cached
    using material = records.unwrap(BACKING_KEYS, stored)
    const macKey = createSecretKey(material.expose())
    this.#macKeys.set(stored, macKey)
    return macKey
  }

  async #keyPair(records: Records, key: Key): Promise<OpenKeyPair> {
    const stored = this.#atHand(records, key) ?? (await this.#current(records, key))
    const cached = this.#keyPairs.get(stored)
    if (cached !== undefined) return cached
    using material = records.unwrap(BACKING_KEYS, stored)
    const keyPair = openKeyPair(asymmetricSpecOf(key), material)
    this.#keyPairs.set(stored, keyPair)
    return keyPair
  }
}

/** The material of other specs would make a working message cipher as well: of the wrong key, for the wrong use. */
function assertSymmetric({ spec }: Key): void {
  assert(spec === 'SYMMETRIC_DEFAULT', `${spec} does not encrypt messages of ours`)
}

function asymmetricSpecOf({ spec }: Key): AsymmetricSpec {
  assert(isAsymmetricSpec(spec), `${spec} has a public key`)
  return spec
}

function macSpecOf({ spec }: Key, algorithm: MacAlgorithm): MacSpec {
  assert(isMacSpec(spec) && MAC_KEYS[spec].algorithm === algorithm, `${spec} makes ${algorithm}`)
  return spec
}
