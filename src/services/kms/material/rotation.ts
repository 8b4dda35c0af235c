import { assert } from '../../../core/assert.ts'
import { DAY_MS, type Instant, type KeyMaterialId, plusMs } from '../../../core/ids.ts'
import { type BackingKey, isPrimary, type Key } from '../../../core/key.ts'
import { keySpecRow } from '../../../core/key-specs.ts'
import type { NewMaterial } from '../../../core/key-store.ts'
import type { RecordsTransaction, Stored } from '../../../core/records.ts'
import { BACKING_KEYS } from '../../../core/tables.ts'
import type { ServiceEvent, WriteScope } from '../../../pipeline/operation.ts'
import { changeKey } from '../keys/key-changes.ts'
import { notMultiRegionPrimary, wrongOrigin } from '../keys/key-errors.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import { familyOf, synchronizationEvent } from '../keys/multi-region.ts'
import { type At, settleKey } from './imported-material.ts'
import { neverRotates } from './material-errors.ts'

/** Why a key gets new material. */
export type RotationType = 'AUTOMATIC' | 'ON_DEMAND'

/** What a rotation may touch: a part of a call's scope, and of timed work. */
export type RotationScope = Pick<WriteScope, 'tx' | 'recordEvent'> & At

/** @throws ServiceError UnsupportedOperationException for a key that never has a second material */
export function assertRotates({ key, arn }: ResolvedKey): void {
  if (keySpecRow(key.spec).type !== 'symmetric') throw neverRotates()
  if (key.origin !== 'AWS_KMS' && key.origin !== 'EXTERNAL') throw wrongOrigin(arn, key.origin)
}

/** @throws ServiceError UnsupportedOperationException for a key that automatic rotation cannot be set of */
export function assertRotatesByItself(target: ResolvedKey): void {
  const { key, arn } = target
  assertRotates(target)
  if (key.origin !== 'AWS_KMS') throw wrongOrigin(arn, key.origin)
  assertNoReplica(target)
}

/** Single-Region keys pass. @throws ServiceError UnsupportedOperationException for a replica */
export function assertNoReplica({ key, arn }: ResolvedKey): void {
  if (isPrimary(key) === false) throw notMultiRegionPrimary(arn)
}

/** Whether the date of a key's automatic rotation has come. Keys that are not enabled wait. */
export const isRotationDue = (key: Key, time: Instant): boolean =>
  key.rotation !== undefined &&
  key.rotation.nextDate <= time &&
  key.state.name === 'Enabled' &&
  isPrimary(key) !== false

/** The first date of a schedule that is still to come: a rotation that was missed is made up for once. */
export function nextDateOf(rotation: NonNullable<Key['rotation']>, time: Instant): Instant {
  const periodMs = rotation.periodDays * DAY_MS
  const missed = Math.max(0, Math.floor((time - rotation.nextDate) / periodMs) + 1)
  return plusMs(rotation.nextDate, missed * periodMs)
}

async function currentOf(tx: RecordsTransaction, key: Key): Promise<Stored<BackingKey>> {
  const { region, keyId, currentMaterialId } = key
  const stored =
    currentMaterialId && (await tx.find(BACKING_KEYS, [region, keyId, currentMaterialId]))
  assert(stored, 'a key that rotates has current key material')
  return stored
}

/** Puts one related key's generations in order; `made` is absent where the material has been imported. */
async function makeCurrent(
  tx: RecordsTransaction,
  key: Key,
  materialId: KeyMaterialId,
  rotated: NonNullable<BackingKey['rotated']>,
  made: NewMaterial | undefined,
): Promise<void> {
  const { accountId, region, keyId } = key
  const previous = await currentOf(tx, key)
  await tx.update(BACKING_KEYS, previous, { ...previous.record, state: 'NON_CURRENT' })
  if (made === undefined) {
    const pending = await tx.find(BACKING_KEYS, [region, keyId, materialId])
    assert(pending, 'imported material that waits for its rotation has a place in every Region')
    await tx.update(BACKING_KEYS, pending, { ...pending.record, state: 'CURRENT', rotated })
    return
  }
  const next: BackingKey = {
    accountId,
    region,
    keyId,
    materialId,
    createdAt: rotated.date,
    generation: previous.record.generation + 1,
    state: 'CURRENT',
    rotated,
  }
  await tx.insert(BACKING_KEYS, next, made.material)
}

/** Source: AWS KMS Developer Guide, Logging AWS KMS API calls, RotateKey. */
const rotationEvent = (
  { key, arn }: ResolvedKey,
  rotationType: RotationType,
  currentKeyMaterialId: KeyMaterialId,
): ServiceEvent => ({
  name: 'RotateKey',
  accountId: key.accountId,
  region: key.region,
  resources: [{ accountId: key.accountId, type: 'AWS::KMS::Key', arn }],
  details: {
    rotationType,
    keyOrigin: key.origin,
    previousKeyMaterialId: key.currentMaterialId,
    currentKeyMaterialId,
    keyId: key.keyId,
  },
})

/**
 * Makes other material current, in the key and its related keys at once: what encrypts with the new one
 * anywhere can be decrypted everywhere. Earlier material stays, to decrypt with.
 * @param made the new material; the id alone where it has been imported and waits for its rotation
 * @param change what changes in the key and its related keys besides
 */
export async function rotate(
  scope: RotationScope,
  target: ResolvedKey,
  type: RotationType,
  made: NewMaterial | KeyMaterialId,
  change: Partial<Key>,
): Promise<void> {
  const { tx, call } = scope
  const family = await familyOf(tx, target, scope)
  const rotated = { date: call.time, type }
  const isMade = typeof made !== 'string'
  const materialId = isMade ? made.materialId : made
  for (const related of family) {
    await makeCurrent(tx, related.key, materialId, rotated, isMade ? made : undefined)
    await changeRotated(tx, related, { ...change, currentMaterialId: materialId }, call.time)
  }
  await scope.recordEvent(rotationEvent(target, type, materialId))
  if (family.length > 1) await scope.recordEvent(synchronizationEvent(target.key))
}

async function changeRotated(
  tx: RecordsTransaction,
  related: ResolvedKey,
  change: Partial<Key>,
  time: Instant,
): Promise<void> {
  if (related.key.origin === 'EXTERNAL') {
    // What waited for its rotation is now material without which the key cannot be used.
    await settleKey(tx, related, time, change)
    return
  }
  await changeKey({ tx }, related, change)
}
