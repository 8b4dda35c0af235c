import { DAY_MS, plusMs } from '../../../core/ids.ts'
import { isPrimary } from '../../../core/key.ts'
import { auditDate } from '../../../pipeline/audit-date.ts'
import { assertUnused } from '../keys/deletion-guard.ts'
import { changeKey } from '../keys/key-changes.ts'
import { validationError } from '../keys/key-errors.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import { FOR_SCHEDULING_DELETION } from '../keys/key-states.ts'
import { familyOf } from '../keys/multi-region.ts'
import { defineKeyOperation, type KmsWriteScope } from '../kms-operation.ts'

/** Unit: days. Source: AWS KMS API Reference, ScheduleKeyDeletion, PendingWindowInDays. */
const WINDOW = { min: 7, max: 30, default: 30 }

/** The shape allows 1 to 365 days, the operation fewer. */
function checkWindow(days: number | undefined): void {
  if (days === undefined || (days >= WINDOW.min && days <= WINDOW.max)) return
  const bound =
    days < WINDOW.min
      ? `greater than or equal to ${WINDOW.min}`
      : `less than or equal to ${WINDOW.max}`
  throw validationError(
    `1 validation error detected: Value '${days}' at 'pendingWindowInDays' failed to satisfy constraint: Member must have value ${bound}`,
  )
}

/** Whether a key is a primary with replicas, those past their deletion date not counted. */
async function hasReplicas(target: ResolvedKey, scope: KmsWriteScope): Promise<boolean> {
  if (isPrimary(target.key) !== true) return false
  return (await familyOf(scope.tx, target, scope)).length > 1
}

/**
 * Starts the waiting period at whose end a key is deleted. All use of it stops at once. The period of a
 * primary with replicas starts only when the last of them has been deleted.
 * Source: AWS KMS API Reference, ScheduleKeyDeletion.
 */
export const scheduleKeyDeletion = defineKeyOperation({
  name: 'ScheduleKeyDeletion',
  effect: 'write',
  key: { accepts: 'idOrArn', states: FOR_SCHEDULING_DELETION },
  check: (input) => checkWindow(input.PendingWindowInDays),

  async handle(input, target, scope) {
    await assertUnused(target, scope)
    const days = input.PendingWindowInDays ?? WINDOW.default
    if (await hasReplicas(target, scope)) {
      const KeyState = 'PendingReplicaDeletion'
      await changeKey(scope, target, { state: { name: KeyState, windowDays: days } })
      return { KeyId: target.arn, KeyState, PendingWindowInDays: days }
    }
    const deletionDate = plusMs(scope.call.time, days * DAY_MS)
    await changeKey(scope, target, { state: { name: 'PendingDeletion', deletionDate } })
    return {
      KeyId: target.arn,
      DeletionDate: deletionDate,
      KeyState: 'PendingDeletion',
      PendingWindowInDays: days,
    }
  },

  audit: (input, _target, output) => ({
    requestParameters: { keyId: input.KeyId, pendingWindowInDays: input.PendingWindowInDays },
    responseElements:
      output === undefined
        ? null
        : {
            keyId: output.KeyId,
            keyState: output.KeyState,
            deletionDate:
              output.DeletionDate === undefined ? undefined : auditDate(output.DeletionDate),
            pendingWindowInDays: output.PendingWindowInDays,
          },
  }),
})
