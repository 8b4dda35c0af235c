import { isPolicyText, policyProblem } from '../../../authz/policy-syntax.ts'
import type { Group, PolicyHolder, Role, User } from '../../../core/identity.ts'
import { groupArn, parseIdentityArn, roleArn, userArn } from '../../../core/identity-arns.ts'
import { SERVICE_CONTROLS } from '../../../core/identity-tables.ts'
import { defaultVersionText } from '../../../identity/managed-policies.ts'
import { findRole, findUser } from '../../../identity/principal-ids.ts'
import { GROUP } from '../groups.ts'
import type { IamScope } from '../iam-operation.ts'
import { findPolicy } from '../managed-policies.ts'
import { groupsOf } from '../memberships.ts'
import type { PolicySourceType } from '../model.ts'
import { groupNotFound, invalidInput, roleNotFound, userNotFound } from '../refusals.ts'

/** A policy that takes part in a simulation. */
export interface PolicySource {
  /** What the statements of the result are told by. */
  readonly id: string
  readonly type?: PolicySourceType
  readonly text: string
}

/** Policies that are given with a request. @throws ServiceError InvalidInputException */
export function givenPolicies(
  list: string,
  texts: readonly string[] | undefined,
  kind: 'identity' | 'key' = 'identity',
): readonly PolicySource[] {
  return (texts ?? []).map((text, at) => {
    const problem = isPolicyText(text) ? policyProblem(text, kind) : 'it has invalid characters'
    if (problem !== undefined) throw invalidInput(`Invalid policy ${list}.${at + 1}: ${problem}`)
    return { id: `${list}.${at + 1}`, text }
  })
}

/** Whose policies are simulated. */
export type SimulatedEntity =
  | { readonly kind: 'user'; readonly arn: string; readonly record: User }
  | { readonly kind: 'role'; readonly arn: string; readonly record: Role }
  | { readonly kind: 'group'; readonly arn: string; readonly record: Group }

/** @throws ServiceError NoSuchEntityException, InvalidInputException */
export async function getSimulatedEntity(scope: IamScope, arn: string): Promise<SimulatedEntity> {
  const { home, records } = scope
  const { partition, accountId } = home
  const ref = parseIdentityArn(arn, partition)
  if (ref?.accountId !== accountId) throw invalidInput(`Invalid Entity Arn: ${arn}`)
  if (ref.kind === 'user') {
    const user = (await findUser(records, accountId, ref.name))?.record
    if (user === undefined || userArn(partition, user) !== arn) throw userNotFound(ref.name)
    return { kind: 'user', arn, record: user }
  }
  if (ref.kind === 'role') {
    const role = (await findRole(records, accountId, ref.name))?.record
    if (role === undefined || roleArn(partition, role) !== arn) throw roleNotFound(ref.name)
    return { kind: 'role', arn, record: role }
  }
  if (ref.kind !== 'group') throw invalidInput(`Invalid Entity Arn: ${arn}`)
  const group = (await GROUP.find(scope, ref.name))?.record
  if (group === undefined || groupArn(partition, group) !== arn) throw groupNotFound(ref.name)
  return { kind: 'group', arn, record: group }
}

/** A managed policy in force; nothing for one that is gone. */
async function managedSource(scope: IamScope, arn: string): Promise<readonly PolicySource[]> {
  const policy = await findPolicy(scope, arn)
  if (policy === undefined) return []
  const type = policy.own === undefined ? 'aws-managed' : 'user-managed'
  return [{ id: policy.name, type, text: defaultVersionText(policy) }]
}

async function holderSources(
  scope: IamScope,
  kind: 'user' | 'group' | 'role',
  holder: PolicyHolder & { readonly name: string },
): Promise<readonly PolicySource[]> {
  const sources: PolicySource[] = Object.entries(holder.inlinePolicies).map(([name, text]) => ({
    id: `${kind}_${holder.name}_${name}`,
    type: kind,
    text,
  }))
  for (const arn of holder.attachedPolicyArns) sources.push(...(await managedSource(scope, arn)))
  return sources
}

/** The policies of an entity, of a user those of its groups, too. */
export async function entitySources(
  scope: IamScope,
  { kind, record }: SimulatedEntity,
): Promise<readonly PolicySource[]> {
  const own = await holderSources(scope, kind, record)
  if (kind !== 'user') return own
  const all = [...own]
  for (const group of await groupsOf(scope.records, record)) {
    all.push(...(await holderSources(scope, 'group', group)))
  }
  return all
}

/** The boundary of an entity, if it has one. */
export const boundarySources = async (
  scope: IamScope,
  { kind, record }: SimulatedEntity,
): Promise<readonly PolicySource[]> =>
  kind === 'group' || record.boundaryArn === undefined
    ? []
    : managedSource(scope, record.boundaryArn)

/** The service control policy of the account, if it has one. */
export async function controlSources({
  records,
  home,
}: IamScope): Promise<readonly PolicySource[]> {
  const control = (await records.find(SERVICE_CONTROLS, [home.accountId]))?.record
  return control === undefined ? [] : [{ id: 'service control policy', text: control.text }]
}
