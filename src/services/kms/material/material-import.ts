import type { Instant } from '../../../core/ids.ts'
import type { BackingKey, ImportedMaterial } from '../../../core/key.ts'
import type { NewMaterial } from '../../../core/key-store.ts'
import type { Stored } from '../../../core/records.ts'
import { BACKING_KEYS } from '../../../core/tables.ts'
import type { WriteScope } from '../../../pipeline/operation.ts'
import { changeKey } from '../keys/key-changes.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import { familyOf } from '../keys/multi-region.ts'
import { NOT_IMPORTED_HERE } from './generations.ts'
import { findPending, materialsOf, replaceMaterial, settleKey } from './imported-material.ts'
import { anotherPending, incorrectMaterial } from './material-errors.ts'
import { assertNoReplica } from './rotation.ts'

/** How material is imported. */
export interface Import {
  /** New if nothing was ever imported, the same as before otherwise. */
  readonly type: 'NEW_KEY_MATERIAL' | 'EXISTING_KEY_MATERIAL' | undefined
  /** Which material the caller believes it to be. */
  readonly materialId: string | undefined
  readonly description: string | undefined
  readonly expirationModel: ImportedMaterial['expirationModel']
  readonly validTo: Instant | undefined
}

type ImportScope = Pick<WriteScope, 'tx' | 'call'>

const isSame = (opened: NewMaterial) => (stored: Stored<BackingKey>) =>
  stored.record.materialId === opened.materialId

/** What is kept of an import. A description that is left out stays what it was. */
const factsOf = (given: Import, before?: ImportedMaterial): ImportedMaterial => ({
  isPresent: true,
  expirationModel: given.expirationModel,
  validTo: given.validTo,
  description: given.description ?? before?.description,
})

/**
 * Puts new material in its place, and keeps one for it in every Region where the key has a related key:
 * the same material can be imported there.
 */
async function insertMaterial(
  { tx, call }: ImportScope,
  target: ResolvedKey,
  opened: NewMaterial,
  given: Import,
  materials: readonly Stored<BackingKey>[],
): Promise<void> {
  const { accountId, keyId, region } = target.key
  const isFirst = materials.length === 0
  const generation = Math.max(0, ...materials.map(({ record }) => record.generation)) + 1
  const { publicKey, materialId } = opened
  const backing: BackingKey = {
    accountId,
    region,
    keyId,
    materialId,
    createdAt: call.time,
    generation,
    state: isFirst ? 'CURRENT' : 'PENDING_ROTATION',
    ...(publicKey && { publicKey: Buffer.from(publicKey).toString('base64') }),
    imported: factsOf(given),
  }
  await tx.insert(BACKING_KEYS, backing, opened.material)
  for (const related of await familyOf(tx, target, { call })) {
    if (related.key.region === region) continue
    const imported = { ...NOT_IMPORTED_HERE, description: given.description }
    await tx.insert(BACKING_KEYS, { ...backing, region: related.key.region, imported })
    if (isFirst) await changeKey({ tx }, related, { currentMaterialId: materialId })
  }
  const change = isFirst ? { currentMaterialId: materialId } : {}
  await settleKey(tx, target, call.time, change)
}

/** Material that the key knows, imported again: its expiry may change, its bytes may not. */
async function reimport(
  { tx, call }: ImportScope,
  target: ResolvedKey,
  opened: NewMaterial,
  given: Import,
  stored: Stored<BackingKey>,
): Promise<void> {
  const imported = factsOf(given, stored.record.imported)
  await replaceMaterial(tx, stored, { ...stored.record, imported }, opened.material)
  await settleKey(tx, target, call.time)
}

/** @throws ServiceError IncorrectKeyMaterialException, KMSInvalidStateException, UnsupportedOperationException */
async function importNew(
  scope: ImportScope,
  target: ResolvedKey,
  opened: NewMaterial,
  given: Import,
  materials: readonly Stored<BackingKey>[],
): Promise<void> {
  assertNoReplica(target)
  const pending = findPending(materials)
  const same = materials.find(isSame(opened))
  if (same !== undefined && same === pending) {
    await reimport(scope, target, opened, given, same)
    return
  }
  if (same !== undefined) throw incorrectMaterial()
  if (pending !== undefined) {
    const ids = { given: opened.materialId, pending: pending.record.materialId }
    throw anotherPending(target.arn, ids)
  }
  await insertMaterial(scope, target, opened, given, materials)
}

/**
 * Imports material. Of an asymmetric or HMAC key all imports are of one material; a symmetric key can
 * have more, one of them waiting for its rotation.
 * @throws ServiceError IncorrectKeyMaterialException, KMSInvalidStateException, UnsupportedOperationException
 */
export async function importMaterial(
  scope: ImportScope,
  target: ResolvedKey,
  opened: NewMaterial,
  given: Import,
): Promise<void> {
  if (given.materialId !== undefined && given.materialId !== opened.materialId) {
    throw incorrectMaterial()
  }
  const materials = await materialsOf(scope.tx, target.key)
  const isNew =
    given.type === undefined ? materials.length === 0 : given.type === 'NEW_KEY_MATERIAL'
  if (isNew) {
    await importNew(scope, target, opened, given, materials)
    return
  }
  const same = materials.find(isSame(opened))
  if (same === undefined) throw incorrectMaterial()
  await reimport(scope, target, opened, given, same)
}
