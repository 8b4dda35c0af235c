import { OperatorError } from '../../core/errors.ts'
import type { AccountId } from '../../core/ids.ts'
import type { DeletionGuardSetting } from '../../core/operator.ts'
import type { Clock } from '../../core/ports.ts'
import type { RecordStore, Records } from '../../core/records.ts'
import { DELETION_GUARDS, type DeletionGuard } from '../../core/tables.ts'
import { findAccount } from './accounts.ts'

interface DeletionGuardParts {
  readonly records: RecordStore
  readonly clock: Clock
}

/** Ten years. Unit: days. */
const DAYS_MAX = 3650

const shown = ({ accountId, days, updatedAt }: DeletionGuard): DeletionGuardSetting => ({
  accountId,
  days,
  updatedAt: new Date(updatedAt).toISOString(),
})

function assertDays(days: unknown): asserts days is number {
  if (typeof days === 'number' && Number.isInteger(days) && days >= 1 && days <= DAYS_MAX) return
  throw new OperatorError(`a deletion guard takes 1 to ${DAYS_MAX} days`)
}

/**
 * Sets for how many days a key of an account must not have been used before its deletion is scheduled: the
 * next call meets it.
 * @throws OperatorError for other numbers, and an account that is not there
 */
export async function setDeletionGuard(
  { records, clock }: DeletionGuardParts,
  request: { readonly accountId: unknown; readonly days: unknown },
): Promise<DeletionGuardSetting> {
  const { days } = request
  assertDays(days)
  const guard = await records.transaction(async (tx) => {
    const accountId = await findAccount(tx, request.accountId)
    const made = { accountId, days, updatedAt: clock.now() }
    const stored = await tx.find(DELETION_GUARDS, [accountId])
    await (stored ? tx.update(DELETION_GUARDS, stored, made) : tx.insert(DELETION_GUARDS, made))
    return made
  })
  return shown(guard)
}

/** The guard of an account. @throws OperatorError where it has none */
export async function getDeletionGuard(
  { records }: { readonly records: Records },
  given: unknown,
): Promise<DeletionGuardSetting> {
  const accountId = await findAccount(records, given)
  const stored = await records.find(DELETION_GUARDS, [accountId])
  if (stored === undefined) throw noneSet(accountId)
  return shown(stored.record)
}

/** @throws OperatorError where there is none */
export async function removeDeletionGuard(
  { records }: DeletionGuardParts,
  given: unknown,
): Promise<AccountId> {
  return records.transaction(async (tx) => {
    const accountId = await findAccount(tx, given)
    const stored = await tx.find(DELETION_GUARDS, [accountId])
    if (stored === undefined) throw noneSet(accountId)
    await tx.remove(DELETION_GUARDS, stored)
    return accountId
  })
}

const noneSet = (accountId: AccountId): OperatorError =>
  new OperatorError(
    `the account ${accountId} has no deletion guard`,
    'strongroom account set-deletion-guard sets one',
  )
