import { DAY_MS, plusMs } from '../../../core/ids.ts'
import type { NewMaterial } from '../../../core/key-store.ts'
import { KEYS } from '../../../core/tables.ts'
import { changeKey, keyIdElement } from '../keys/key-changes.ts'
import { findLiveKey, type ResolvedKey } from '../keys/key-resolver.ts'
import { FOR_ENABLING } from '../keys/key-states.ts'
import { defineKeyOperation, type KmsScope, type KmsWriteScope } from '../kms-operation.ts'
import { drawMaterial, keyIdIn } from '../material/new-material.ts'
import { isRotationDue, rotate } from '../material/rotation.ts'

/** Material for a key whose rotation may be overdue; of all others none is drawn. */
async function drawIfOverdue(given: string, scope: KmsScope): Promise<NewMaterial | undefined> {
  const keyId = keyIdIn(given)
  const stored = keyId && (await scope.records.find(KEYS, [scope.call.region, keyId]))
  const rotation = stored ? stored.record.rotation : undefined
  if (rotation === undefined || rotation.nextDate > scope.call.time) return undefined
  return drawMaterial(given, scope)
}

/** A key whose date has passed while it was disabled rotates now, and every period from now on. */
async function rotateIfDue(
  { key: { region, keyId } }: ResolvedKey,
  scope: KmsWriteScope,
  made: NewMaterial,
): Promise<void> {
  const { time } = scope.call
  const enabled = await findLiveKey(scope.tx, region, keyId, scope)
  if (enabled?.key.rotation === undefined || !isRotationDue(enabled.key, time)) return
  const { periodDays } = enabled.key.rotation
  const rotation = { periodDays, nextDate: plusMs(time, periodDays * DAY_MS) }
  await rotate(scope, enabled, 'AUTOMATIC', made, { rotation })
}

/**
 * Makes a disabled key usable again; an enabled one stays as it is.
 * Source: AWS KMS API Reference, EnableKey.
 */
export const enableKey = defineKeyOperation({
  name: 'EnableKey',
  effect: 'write',
  key: { accepts: 'idOrArn', states: FOR_ENABLING },

  prepare: (input, scope) => drawIfOverdue(input.KeyId, scope),

  async handle(_input, target, scope, made: NewMaterial | undefined) {
    if (target.key.state.name === 'Enabled') return undefined
    await changeKey(scope, target, { state: { name: 'Enabled' } })
    // Where the date came only between the drawing and here, the worker finds it within a second.
    if (made !== undefined) await rotateIfDue(target, scope, made)
    return undefined
  },

  audit: (input, target) => ({
    requestParameters: { keyId: input.KeyId },
    responseElements: keyIdElement(target),
  }),
})
