import { DependencyError } from '../core/errors.ts'
import type { BackingKey, Key } from '../core/key.ts'
import { keySpecRow } from '../core/key-specs.ts'
import type { KeyStore } from '../core/key-store.ts'
import type { Records, Stored } from '../core/records.ts'
import { Secret } from '../core/secret.ts'
import { BACKING_KEYS } from '../core/tables.ts'
import { parseCiphertext } from '../crypto/ciphertext.ts'
import { keyMaterialIdOf } from '../crypto/key-material.ts'
import type { Canary } from './backup-entries.ts'

/** What a backup and its trial do with a key: the cryptography is the key store's own. */
export interface CanaryParts {
  readonly records: Records
  readonly keystore: KeyStore
}

/** What became of one key in a drill. */
export type KeyProof =
  /** It did again what it had done when the backup was made, or a round trip. */
  | { readonly outcome: 'proved' }
  /** There is nothing to prove: the material is not here, or not ours. */
  | { readonly outcome: 'no-material'; readonly why: string }
  | { readonly outcome: 'failed'; readonly why: string }

const message = (): Secret =>
  new Secret(new TextEncoder().encode('strongroom canary of a backup!!!'))
const contextOf = (key: Key) => ({ 'strongroom:canary': key.keyId })
/** Generations of a key that are looked at together. */
const GENERATIONS = 1000

/** Makes the canary of a key; undefined where it has no material, or makes nothing that lasts. */
export async function makeCanary(
  { records, keystore }: CanaryParts,
  key: Key,
): Promise<Canary | undefined> {
  if (key.customKeyStoreId !== undefined || key.currentMaterialId === undefined) return undefined
  const { region, keyId } = key
  const row = keySpecRow(key.spec)
  using plaintext = message()
  try {
    if (row.type === 'symmetric') {
      const made = await keystore.encrypt(records, key, plaintext, contextOf(key))
      return { region, keyId, kind: 'ciphertext', value: made.ciphertext }
    }
    const [algorithm] = row.macAlgorithms ?? []
    if (algorithm === undefined) return undefined
    const value = await keystore.generateMac(records, key, algorithm, plaintext)
    return { region, keyId, kind: 'mac', value }
  } catch (error) {
    // Deleted meanwhile, or its imported material is: then it has no canary, which a drill tells.
    if (error instanceof DependencyError) return undefined
    throw error
  }
}

/**
 * Proves that a restored key works: every generation of its material opens and is what its id says, and
 * the current one opens the canary, or does a round trip where a key pair has none.
 */
export async function proveKey(
  parts: CanaryParts,
  key: Key,
  canary: Canary | undefined,
): Promise<KeyProof> {
  if (key.customKeyStoreId !== undefined) {
    return { outcome: 'no-material', why: 'its material is in a custom key store' }
  }
  let held = 0
  for await (const stored of generationsOf(parts.records, key)) {
    if (stored.secret === null) continue
    held += 1
    using material = parts.records.unwrap(BACKING_KEYS, stored)
    if (keyMaterialIdOf(key.keyId, material) !== stored.record.materialId) {
      return { outcome: 'failed', why: `material ${stored.record.materialId} is not what it was` }
    }
  }
  const isHere = await currentIsHere(parts.records, key)
  if (held === 0 || !isHere) {
    return { outcome: 'no-material', why: 'its imported material is not in the store' }
  }
  const works = await (canary === undefined
    ? roundTrip(parts, key)
    : opensCanary(parts, key, canary))
  if (works) return { outcome: 'proved' }
  return { outcome: 'failed', why: 'it does not do what it did when the backup was made' }
}

async function* generationsOf(
  records: Records,
  { region, keyId }: Key,
): AsyncGenerator<Stored<BackingKey>> {
  let after: readonly string[] | undefined
  for (;;) {
    const query = { index: 'key', equals: [region, keyId], limit: GENERATIONS }
    const page = await records.page(BACKING_KEYS, { ...query, ...(after && { after }) })
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < GENERATIONS) return
    after = [last.record.materialId]
  }
}

async function currentIsHere(records: Records, key: Key): Promise<boolean> {
  if (key.currentMaterialId === undefined) return false
  const current = await records.find(BACKING_KEYS, [key.region, key.keyId, key.currentMaterialId])
  return current !== undefined && current.secret !== null
}

async function opensCanary(
  { records, keystore }: CanaryParts,
  key: Key,
  { kind, value }: Canary,
): Promise<boolean> {
  using expected = message()
  if (kind === 'mac') {
    const [algorithm] = keySpecRow(key.spec).macAlgorithms ?? []
    return (
      algorithm !== undefined &&
      (await keystore.verifyMac(records, key, algorithm, expected, value))
    )
  }
  const parsed = parseCiphertext(value)
  const opened = parsed && (await keystore.decrypt(records, key, parsed, contextOf(key)))
  if (opened === undefined) return false
  using plaintext = opened.plaintext
  return Buffer.from(expected.expose()).equals(plaintext.expose())
}

/** A key without a canary: a key pair, or one that had no material when the backup was made. */
async function roundTrip({ records, keystore }: CanaryParts, key: Key): Promise<boolean> {
  const row = keySpecRow(key.spec)
  using plaintext = message()
  if (row.type === 'symmetric' || row.type === 'hmac') {
    const made = await makeCanary({ records, keystore }, key)
    return made !== undefined && opensCanary({ records, keystore }, key, made)
  }
  const [signing] = row.signingAlgorithms ?? []
  const [encryption] = row.encryptionAlgorithms ?? []
  if (key.usage === 'SIGN_VERIFY' && signing !== undefined) {
    const signed = { algorithm: signing, messageType: 'RAW', message: plaintext } as const
    const signature = await keystore.sign(records, key, signed)
    // Waited for here: the message is wiped on the way out.
    return await keystore.verify(records, key, signed, signature)
  }
  if (key.usage === 'ENCRYPT_DECRYPT' && encryption !== undefined) {
    const sealed = await keystore.encryptAsymmetric(records, key, encryption, plaintext)
    using opened = await keystore.decryptAsymmetric(records, key, encryption, sealed)
    return opened !== undefined && Buffer.from(plaintext.expose()).equals(opened.expose())
  }
  if (key.usage === 'ENCAPSULATE_DECAPSULATE') {
    const { sharedSecret, ciphertext } = await keystore.encapsulate(records, key)
    using shared = sharedSecret
    using again = await keystore.decapsulate(records, key, ciphertext)
    return again !== undefined && Buffer.from(shared.expose()).equals(again.expose())
  }
  return agrees({ records, keystore }, key)
}

/** The key agrees with itself: the secret of its own two halves exists. */
async function agrees({ records, keystore }: CanaryParts, key: Key): Promise<boolean> {
  const id = key.currentMaterialId ?? ''
  const current = await records.find(BACKING_KEYS, [key.region, key.keyId, id])
  const publicKey = current?.record.publicKey
  if (publicKey === undefined) return false
  const own = new Uint8Array(Buffer.from(publicKey, 'base64'))
  using secret = await keystore.deriveSharedSecret(records, key, own)
  return secret !== undefined
}
