import { DAY_MS, plusMs } from '../../../core/ids.ts'
import type { RotationSchedule } from '../../../core/key.ts'
import { changeKey, keyIdElement } from '../keys/key-changes.ts'
import { FOR_ROTATION_SETTING } from '../keys/key-states.ts'
import { familyOf } from '../keys/multi-region.ts'
import { defineKeyOperation } from '../kms-operation.ts'
import { assertRotatesByItself } from '../material/rotation.ts'

/** Source: AWS KMS API Reference, EnableKeyRotation, RotationPeriodInDays. */
const PERIOD_DAYS_DEFAULT = 365

/**
 * Has a key rotate by itself, for the first time one period from now. Repeated with another period it
 * starts anew; with the same one it changes nothing.
 * Source: AWS KMS API Reference, EnableKeyRotation.
 */
export const enableKeyRotation = defineKeyOperation({
  name: 'EnableKeyRotation',
  effect: 'write',
  key: { accepts: 'idOrArn', states: FOR_ROTATION_SETTING },
  admit: (_input, target) => assertRotatesByItself(target),

  async handle(input, target, scope) {
    const periodDays = input.RotationPeriodInDays ?? PERIOD_DAYS_DEFAULT
    if (target.key.rotation?.periodDays === periodDays) return undefined
    const nextDate = plusMs(scope.call.time, periodDays * DAY_MS)
    const rotation: RotationSchedule = { periodDays, nextDate }
    for (const related of await familyOf(scope.tx, target, scope)) {
      await changeKey(scope, related, { rotation })
    }
    return undefined
  },

  audit: (input, target) => ({
    requestParameters: { keyId: input.KeyId, rotationPeriodInDays: input.RotationPeriodInDays },
    responseElements: keyIdElement(target),
  }),
})
