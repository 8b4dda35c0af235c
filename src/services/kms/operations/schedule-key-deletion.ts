import { DAY_MS, plusMs } from '../../../core/ids.ts'
import { auditDate } from '../audit-values.ts'
import { changeKey } from '../key-changes.ts'
import { validationError } from '../key-errors.ts'
import { FOR_SCHEDULING_DELETION } from '../key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'

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

/**
 * Starts the waiting period at whose end a key is deleted. All use of it stops at once.
 * Source: AWS KMS API Reference, ScheduleKeyDeletion.
 */
export const scheduleKeyDeletion = defineKeyOperation({
  name: 'ScheduleKeyDeletion',
  effect: 'write',
  key: { accepts: 'idOrArn', states: FOR_SCHEDULING_DELETION },
  check: (input) => checkWindow(input.PendingWindowInDays),

  async handle(input, target, scope) {
    const days = input.PendingWindowInDays ?? WINDOW.default
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
