import type { Instant } from '../../../core/ids.ts'
import { type BackingKey, isHere, isPrimary, type Key, type KeyState } from '../../../core/key.ts'
import type { Records, RecordsTransaction, Stored } from '../../../core/records.ts'
import type { Secret } from '../../../core/secret.ts'
import { BACKING_KEYS, KEYS } from '../../../core/tables.ts'
import type { ImportFacts } from '../keys/key-metadata.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import { familyOf } from '../keys/multi-region.ts'
import { type GenerationsOf, generationsOf } from './generations.ts'

/** When something is asked, for what `familyOf` asks. */
export interface At {
  readonly call: { readonly time: Instant }
}

/** Deleted material keeps its place: nothing but the same can be imported there again. */
const DELETED = {
  isPresent: false,
  expirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
  validTo: undefined,
} as const

/** Whether a key cannot be used without this material: what waits for its rotation can still be exchanged. */
const isPermanent = ({ record }: Stored<BackingKey>): boolean => record.state !== 'PENDING_ROTATION'

const isHereAt = ({ record }: Stored<BackingKey>, time: Instant): boolean =>
  record.imported !== undefined && isHere(record.imported, time)

/** All imported material of a key: 25 rotations make it 27 at most. */
export async function materialsOf(
  records: Records,
  key: GenerationsOf,
): Promise<readonly Stored<BackingKey>[]> {
  const materials: Stored<BackingKey>[] = []
  for await (const stored of generationsOf(records, key)) materials.push(stored)
  return materials
}

/** What waits for its rotation, here or not. */
export const findPending = (
  materials: readonly Stored<BackingKey>[],
): Stored<BackingKey> | undefined => materials.find((material) => !isPermanent(material))

/** Whether material that waits for its rotation is in every Region where the key has a related key. */
export async function isPendingEverywhere(
  records: Records,
  target: ResolvedKey,
  pending: BackingKey,
  at: At,
): Promise<boolean> {
  for (const { key } of await familyOf(records, target, at)) {
    const stored = await records.find(BACKING_KEYS, [key.region, key.keyId, pending.materialId])
    if (stored === undefined || !isHereAt(stored, at.call.time)) return false
  }
  return true
}

/** Whether every material is here without which the key cannot be used. */
export const isComplete = (materials: readonly Stored<BackingKey>[], time: Instant): boolean => {
  const permanent = materials.filter(isPermanent)
  return permanent.length > 0 && permanent.every((material) => isHereAt(material, time))
}

/** The earliest end of the material without which the key cannot be used. */
function earliestEnd(materials: readonly Stored<BackingKey>[], time: Instant): Instant | undefined {
  let earliest: Instant | undefined
  for (const material of materials) {
    const validTo = material.record.imported?.validTo
    if (validTo === undefined || !isPermanent(material) || !isHereAt(material, time)) continue
    if (earliest === undefined || validTo < earliest) earliest = validTo
  }
  return earliest
}

/** What metadata says of a key's imported material; nothing where none of it is here. */
export async function importFactsOf(
  records: Records,
  key: Key,
  time: Instant,
): Promise<ImportFacts | undefined> {
  if (key.origin !== 'EXTERNAL') return undefined
  const materials = await materialsOf(records, key)
  const isAnyHere = materials.some((material) => isPermanent(material) && isHereAt(material, time))
  if (!isAnyHere) return undefined
  const validTo = earliestEnd(materials, time)
  return {
    expirationModel: validTo ? 'KEY_MATERIAL_EXPIRES' : 'KEY_MATERIAL_DOES_NOT_EXPIRE',
    validTo,
  }
}

/** The state of a key that is not to be deleted, from what is here of its material. */
function stateWith(state: KeyState, complete: boolean): KeyState {
  if (state.name === 'PendingDeletion' || state.name === 'PendingReplicaDeletion') return state
  if (!complete) return { name: 'PendingImport' }
  return state.name === 'PendingImport' ? { name: 'Enabled' } : state
}

/** Brings a key's record up to date with its material, after that has changed. */
export async function settleKey(
  tx: RecordsTransaction,
  { stored, key }: ResolvedKey,
  time: Instant,
  change: Partial<Key> = {},
): Promise<void> {
  const materials = await materialsOf(tx, key)
  await tx.update(KEYS, stored, {
    ...key,
    ...change,
    state: stateWith(key.state, isComplete(materials, time)),
    materialValidTo: earliestEnd(materials, time),
  })
}

/** Puts a record in the place of another, without the secret of that one. */
export async function replaceMaterial(
  tx: RecordsTransaction,
  stored: Stored<BackingKey>,
  record: BackingKey,
  material?: Secret,
): Promise<void> {
  await tx.remove(BACKING_KEYS, stored)
  await tx.insert(BACKING_KEYS, record, material)
}

/**
 * Deletes imported material, on request or because it has expired. What is permanently associated keeps
 * its place; what waits for its rotation leaves none, and takes with it what related keys have of it
 * when it is the primary's.
 * Source: AWS KMS API Reference, DeleteImportedKeyMaterial.
 */
export async function removeMaterial(
  tx: RecordsTransaction,
  target: ResolvedKey,
  stored: Stored<BackingKey>,
  at: At,
): Promise<void> {
  const { record } = stored
  if (isPermanent(stored) || isPrimary(target.key) === false) {
    await replaceMaterial(tx, stored, { ...record, imported: { ...record.imported, ...DELETED } })
  } else {
    for (const { key } of await familyOf(tx, target, at)) {
      const related = await tx.find(BACKING_KEYS, [key.region, key.keyId, record.materialId])
      if (related !== undefined) await tx.remove(BACKING_KEYS, related)
    }
  }
  await settleKey(tx, target, at.call.time)
}

/** The state of a key whose deletion was cancelled. Source: AWS KMS Developer Guide, Key states. */
export async function stateAfterCancel(
  records: Records,
  key: Key,
  time: Instant,
): Promise<KeyState> {
  const isWaiting = key.origin === 'EXTERNAL' && !isComplete(await materialsOf(records, key), time)
  return { name: isWaiting ? 'PendingImport' : 'Disabled' }
}
