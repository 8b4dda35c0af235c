import { POLICY_SIZE_MAX, type PolicyKind, policyProblem } from '../../../authz/policy-syntax.ts'
import { OperatorError } from '../../../core/errors.ts'
import type { PolicyChange } from '../../../core/explanations.ts'
import type { PolicyHolder } from '../../../core/identity.ts'
import { MANAGED_POLICIES, ROLES, SERVICE_CONTROLS, USERS } from '../../../core/identity-tables.ts'
import type { AccountId, Instant } from '../../../core/ids.ts'
import type { Key } from '../../../core/key.ts'
import { partitionOf } from '../../../core/regions.ts'
import { KEY_POLICIES } from '../../../core/tables.ts'
import { bindPrincipals } from '../../../identity/bound-policy.ts'
import { findOwnPolicy } from '../../../identity/managed-policies.ts'
import { findRole, findUser } from '../../../identity/principal-ids.ts'
import type { RecordOverlay } from './record-overlay.ts'

/** How an inline policy is called that has no name yet. */
const UNNAMED = 'simulated'
const SIMULATED_VERSION = 'simulated'

/** What is wrong with the text of a policy, in one sentence without its full stop. */
function problemOf(text: string, kind: PolicyKind, what: string): string | undefined {
  if (kind === 'key' && Buffer.byteLength(text) > POLICY_SIZE_MAX.key) {
    return `the ${what} has more than ${POLICY_SIZE_MAX.key} bytes`
  }
  const problem = policyProblem(text, kind)
  return problem === undefined
    ? undefined
    : `the ${what} is not valid: ${problem.replace(/\.$/u, '')}`
}

/** What keeps the policies of a change from being saved, by their grammar alone. */
export function grammarProblems(change: PolicyChange): readonly string[] {
  const { keyPolicy, policy, serviceControl } = change
  return [
    keyPolicy === undefined ? undefined : problemOf(keyPolicy, 'key', 'key policy'),
    policy === undefined ? undefined : problemOf(policy, 'identity', 'policy'),
    serviceControl === undefined
      ? undefined
      : problemOf(serviceControl, 'service-control', 'service control policy'),
  ].filter((problem) => problem !== undefined)
}

/** Lays the new policy of a key over the old one. @returns what is wrong with its principals */
export async function overlayKeyPolicy(
  overlay: RecordOverlay,
  { region, keyId, accountId }: Key,
  text: string,
): Promise<readonly string[]> {
  const place = { partition: partitionOf(region), home: accountId }
  const binding = await bindPrincipals(overlay, text, place)
  if (binding.bound === undefined) {
    const { kind, text: name } = binding.invalid
    return [`the key policy names a principal that does not exist: ${kind} ${name}`]
  }
  overlay.put(KEY_POLICIES, { region, keyId, ...binding.bound })
  return []
}

const noIdentity = (kind: string): OperatorError =>
  new OperatorError(`there is no ${kind} of that name in the account`)

const withInline = <R extends PolicyHolder>(
  holder: R,
  { policyName = UNNAMED, policy = '' }: PolicyChange,
): R => ({ ...holder, inlinePolicies: { ...holder.inlinePolicies, [policyName]: policy } })

/**
 * Lays changed policies of identities over the present ones.
 * @returns the unique id of the one user or role that the change is about, if it is about one
 * @throws OperatorError for what is not there
 */
export async function overlayIdentities(
  overlay: RecordOverlay,
  accountId: AccountId,
  change: PolicyChange,
  time: Instant,
): Promise<string | undefined> {
  const { user, role, managedPolicyArn, policy, serviceControl } = change
  if (serviceControl !== undefined) {
    overlay.put(SERVICE_CONTROLS, { accountId, text: serviceControl, updatedAt: time })
  }
  if (policy === undefined) return undefined
  if (user !== undefined) {
    const found = (await findUser(overlay, accountId, user))?.record
    if (found === undefined) throw noIdentity('user')
    overlay.put(USERS, withInline(found, change))
    return found.userId
  }
  if (role !== undefined) {
    const found = (await findRole(overlay, accountId, role))?.record
    if (found === undefined) throw noIdentity('role')
    overlay.put(ROLES, withInline(found, change))
    return found.roleId
  }
  const managed =
    managedPolicyArn === undefined
      ? undefined
      : (await findOwnPolicy(overlay, managedPolicyArn))?.record
  if (managed?.accountId !== accountId) throw noIdentity('managed policy')
  const version = { versionId: SIMULATED_VERSION, text: policy, createdAt: time }
  overlay.put(MANAGED_POLICIES, {
    ...managed,
    versions: [...managed.versions, version],
    defaultVersionId: SIMULATED_VERSION,
  })
  return undefined
}

/** Whether a change says what it is about. @throws OperatorError */
export function assertChange(change: PolicyChange): void {
  const { user, role, managedPolicyArn, policy, keyPolicy, serviceControl } = change
  const owners = [user, role, managedPolicyArn].filter((owner) => owner !== undefined)
  if (policy !== undefined && owners.length !== 1) {
    throw new OperatorError('whose policy is it?', 'name one user, role or managed policy')
  }
  if (policy === undefined && owners.length > 0) {
    throw new OperatorError('there is no policy to simulate', 'give its text')
  }
  if ((policy ?? keyPolicy ?? serviceControl) === undefined) {
    throw new OperatorError('there is nothing to simulate', 'give a policy, or ask a question')
  }
}
