import { assert } from '../../../core/assert.ts'
import { plusMs } from '../../../core/ids.ts'
import type { Key } from '../../../core/key.ts'
import type { NewMaterial } from '../../../core/key-store.ts'
import type { Call } from '../../../pipeline/call.ts'
import { keyIdElement } from '../keys/key-changes.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import { FOR_ROTATION_ON_DEMAND } from '../keys/key-states.ts'
import { defineKeyOperation, type KmsWriteScope } from '../kms-operation.ts'
import { findPending, isPendingEverywhere, materialsOf } from '../material/imported-material.ts'
import { nothingToRotateTo, rotationDue, rotationsUsedUp } from '../material/material-errors.ts'
import { drawMaterial } from '../material/new-material.ts'
import { assertNoReplica, assertRotates, rotate } from '../material/rotation.ts'

/** Of all the life of a key. Source: AWS KMS API Reference, RotateKeyOnDemand. */
const ROTATIONS_MAX = 25
/** Source: AWS KMS API Reference, RotateKeyOnDemand, ConflictException. Unit: milliseconds. */
const CONFLICT_MS = 20 * 60_000

/** @throws ServiceError ConflictException shortly before an automatic rotation, and until it is done */
function assertNoneDue({ rotation }: Key, arn: string, { time }: Call): void {
  if (rotation !== undefined && rotation.nextDate <= plusMs(time, CONFLICT_MS))
    throw rotationDue(arn)
}

/** The imported material that is to become current. @throws ServiceError KMSInvalidStateException */
async function pendingMaterial(target: ResolvedKey, scope: KmsWriteScope) {
  const pending = findPending(await materialsOf(scope.tx, target.key))
  const isReady =
    pending !== undefined && (await isPendingEverywhere(scope.tx, target, pending.record, scope))
  if (!isReady) throw nothingToRotateTo(target.arn)
  return pending.record.materialId
}

/**
 * Gives a key new current material at once: material made here, or what was imported for it.
 * Source: AWS KMS API Reference, RotateKeyOnDemand.
 */
export const rotateKeyOnDemand = defineKeyOperation({
  name: 'RotateKeyOnDemand',
  effect: 'write',
  key: { accepts: 'idOrArn', states: FOR_ROTATION_ON_DEMAND },
  admit(_input, target, call) {
    const { key, arn } = target
    assertRotates(target)
    assertNoReplica(target)
    if (key.onDemandRotations >= ROTATIONS_MAX) throw rotationsUsedUp(arn)
    assertNoneDue(key, arn, call)
  },
  prepare: (input, scope) => drawMaterial(input.KeyId, scope),

  async handle(_input, target, scope, drawn: NewMaterial | undefined) {
    const isImported = target.key.origin === 'EXTERNAL'
    const made = isImported ? await pendingMaterial(target, scope) : drawn
    assert(made !== undefined, 'what names a key here has a key id, for which material was drawn')
    const onDemandRotations = target.key.onDemandRotations + 1
    await rotate(scope, target, 'ON_DEMAND', made, { onDemandRotations })
    return { KeyId: target.arn }
  },

  audit: (input, target, output) => ({
    requestParameters: { keyId: input.KeyId },
    responseElements: output === undefined ? null : keyIdElement(target),
  }),
})
