import { ServiceError } from '../../../core/errors.ts'
import { DAY_MS } from '../../../core/ids.ts'
import { DELETION_GUARDS } from '../../../core/tables.ts'
import type { KmsWriteScope } from '../kms-operation.ts'
import type { ResolvedKey } from './key-resolver.ts'

/**
 * What the operator of the node asks before a key of an account is scheduled for deletion. Read in the call's
 * own transaction, so that a guard holds from the next call on. A key that was never used may go.
 * @throws ServiceError KMSInvalidStateException for a key that was used within the days of the guard
 */
export async function assertUnused(target: ResolvedKey, scope: KmsWriteScope): Promise<void> {
  const { accountId } = target.key
  const guard = (await scope.tx.find(DELETION_GUARDS, [accountId]))?.record
  if (guard === undefined) return
  const last = await scope.lastUses.lastUse(scope.tx, target)
  if (last === undefined || scope.call.time - last.time >= guard.days * DAY_MS) return
  const time = `${new Date(last.time).toISOString().slice(0, 19)}Z`
  // Our wording: AWS has no such guard. It must not end in `is pending deletion.`, which clients take for done.
  throw new ServiceError(
    'KMSInvalidStateException',
    `${target.arn} was last used at ${time}. The deletion guard of account ${accountId} refuses to schedule the deletion of a key that was used within ${guard.days} days.`,
  )
}
