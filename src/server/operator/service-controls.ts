import {
  isPolicyText,
  POLICY_SIZE_MAX,
  policyProblem,
  policySize,
} from '../../authz/policy-syntax.ts'
import { OperatorError } from '../../core/errors.ts'
import type { ServiceControl } from '../../core/identity.ts'
import { SERVICE_CONTROLS } from '../../core/identity-tables.ts'
import type { AccountId } from '../../core/ids.ts'
import type { ServiceControlPolicy } from '../../core/operator.ts'
import type { Clock } from '../../core/ports.ts'
import type { RecordStore } from '../../core/records.ts'
import { findAccount } from './accounts.ts'

interface ServiceControlParts {
  readonly records: RecordStore
  readonly clock: Clock
}

/** Of a policy with its white space. Unit: UTF-16 code units. */
const TEXT_MAX = 65_536

const shown = ({ accountId, text, updatedAt }: ServiceControl): ServiceControlPolicy => ({
  accountId,
  policy: text,
  updatedAt: new Date(updatedAt).toISOString(),
})

/** What is wrong with a service control policy, and what to do about it. @throws OperatorError */
export function assertServiceControl(text: unknown): asserts text is string {
  if (typeof text !== 'string' || text.length > TEXT_MAX || !isPolicyText(text)) {
    throw new OperatorError(
      'the file is no text of a policy',
      `a policy is JSON of at most ${POLICY_SIZE_MAX.serviceControl} characters without white space`,
    )
  }
  const size = policySize(text)
  if (size > POLICY_SIZE_MAX.serviceControl) {
    throw new OperatorError(
      `the policy has ${size} characters without white space, and at most ${POLICY_SIZE_MAX.serviceControl} are allowed`,
      'join statements, or use wildcards',
    )
  }
  const problem = policyProblem(text, 'service-control')
  if (problem !== undefined) {
    throw new OperatorError(
      `the service control policy is not valid: ${problem}`,
      'it takes Version and statements with Effect, Action and Resource, without Principal',
    )
  }
}

/**
 * Sets what nobody in an account may do, whatever else allows it: the next decision is made under it.
 * @throws OperatorError for a policy against the grammar, and an account that is not there
 */
export async function setServiceControl(
  { records, clock }: ServiceControlParts,
  request: { readonly accountId: unknown; readonly policy: unknown },
): Promise<ServiceControlPolicy> {
  const text = request.policy
  assertServiceControl(text)
  const control = await records.transaction(async (tx) => {
    const accountId = await findAccount(tx, request.accountId)
    const made = { accountId, text, updatedAt: clock.now() }
    const stored = await tx.find(SERVICE_CONTROLS, [accountId])
    await (stored ? tx.update(SERVICE_CONTROLS, stored, made) : tx.insert(SERVICE_CONTROLS, made))
    return made
  })
  return shown(control)
}

/** The service control policy of an account. @throws OperatorError where it has none */
export async function getServiceControl(
  { records }: ServiceControlParts,
  given: unknown,
): Promise<ServiceControlPolicy> {
  const accountId = await findAccount(records, given)
  const stored = await records.find(SERVICE_CONTROLS, [accountId])
  if (stored === undefined) throw noneSet(accountId)
  return shown(stored.record)
}

/** @throws OperatorError where there is none */
export async function removeServiceControl(
  { records }: ServiceControlParts,
  given: unknown,
): Promise<AccountId> {
  return records.transaction(async (tx) => {
    const accountId = await findAccount(tx, given)
    const stored = await tx.find(SERVICE_CONTROLS, [accountId])
    if (stored === undefined) throw noneSet(accountId)
    await tx.remove(SERVICE_CONTROLS, stored)
    return accountId
  })
}

const noneSet = (accountId: AccountId): OperatorError =>
  new OperatorError(
    `the account ${accountId} has no service control policy`,
    'strongroom account set-scp sets one',
  )
