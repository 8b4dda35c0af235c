import { POLICY_SIZE_MAX, policySize } from '../../authz/policy-syntax.ts'
import type { Group, PolicyHolder, Role, User } from '../../core/identity.ts'
import { GROUPS, ROLES, USERS } from '../../core/identity-tables.ts'
import type { AccountId } from '../../core/ids.ts'
import type { Table } from '../../core/tables.ts'
import type { Entity } from './entity-operations.ts'
import type { IamScope, IamWriteScope } from './iam-operation.ts'
import { link, unlink } from './links.ts'
import { findPolicy } from './managed-policies.ts'
import type { AttachedPolicy } from './model.ts'
import { type PageRequest, pageOfItems } from './paging.ts'
import { assertIdentityPolicy, encodedPolicy } from './policy-documents.ts'
import { assertBelow, type Quota } from './quotas.ts'
import {
  hasAttachedPolicies,
  hasInlinePolicies,
  inlinePoliciesTooLong,
  inlinePolicyNotFound,
  policyNotAttachable,
  policyNotFound,
} from './refusals.ts'

interface Holder extends PolicyHolder {
  readonly accountId: AccountId
  readonly name: string
}

/** Users, groups and roles have policies in the same way: this is what differs. */
export interface HolderKind<R extends Holder> {
  readonly table: Table<R>
  idOf(record: R): string
  readonly label: 'user' | 'group' | 'role'
  /** Characters of all inline policies together. */
  readonly inlineSizeMax: number
  readonly attachmentQuota: Quota
}

export const USER_POLICIES: HolderKind<User> = {
  table: USERS,
  idOf: (user) => user.userId,
  label: 'user',
  inlineSizeMax: POLICY_SIZE_MAX.userInline,
  attachmentQuota: 'PoliciesPerUser',
}

export const GROUP_POLICIES: HolderKind<Group> = {
  table: GROUPS,
  idOf: (group) => group.groupId,
  label: 'group',
  inlineSizeMax: POLICY_SIZE_MAX.groupInline,
  attachmentQuota: 'PoliciesPerGroup',
}

export const ROLE_POLICIES: HolderKind<Role> = {
  table: ROLES,
  idOf: (role) => role.roleId,
  label: 'role',
  inlineSizeMax: POLICY_SIZE_MAX.roleInline,
  attachmentQuota: 'PoliciesPerRole',
}

/** @throws ServiceError MalformedPolicyDocumentException, LimitExceededException */
export async function putInlinePolicy<R extends Holder>(
  { table, label, inlineSizeMax }: HolderKind<R>,
  { stored }: Entity<R>,
  { tx }: IamWriteScope,
  given: { readonly PolicyName: string; readonly PolicyDocument: string },
): Promise<undefined> {
  const { PolicyName: name, PolicyDocument: text } = given
  assertIdentityPolicy(text)
  const inlinePolicies = { ...stored.record.inlinePolicies, [name]: text }
  const size = Object.values(inlinePolicies).reduce((sum, held) => sum + policySize(held), 0)
  if (size > inlineSizeMax) throw inlinePoliciesTooLong(label, stored.record.name, inlineSizeMax)
  await tx.update(table, stored, { ...stored.record, inlinePolicies })
  return undefined
}

function getInlinePolicy(label: string, { inlinePolicies }: PolicyHolder, name: string): string {
  const text = Object.hasOwn(inlinePolicies, name) ? inlinePolicies[name] : undefined
  if (text === undefined) throw inlinePolicyNotFound(label, name)
  return text
}

/** @throws ServiceError NoSuchEntityException */
export const shownInlinePolicy = <R extends Holder>(
  { label }: HolderKind<R>,
  { stored }: Entity<R>,
  name: string,
): { readonly PolicyName: string; readonly PolicyDocument: string } => ({
  PolicyName: name,
  PolicyDocument: encodedPolicy(getInlinePolicy(label, stored.record, name)),
})

/** @throws ServiceError NoSuchEntityException */
export async function deleteInlinePolicy<R extends Holder>(
  { table, label }: HolderKind<R>,
  { stored }: Entity<R>,
  { tx }: IamWriteScope,
  name: string,
): Promise<undefined> {
  getInlinePolicy(label, stored.record, name)
  const kept = Object.entries(stored.record.inlinePolicies).filter(([held]) => held !== name)
  await tx.update(table, stored, { ...stored.record, inlinePolicies: Object.fromEntries(kept) })
  return undefined
}

/** A page of the names of inline policies. */
export function pageOfInlinePolicies<R extends Holder>(
  scope: IamScope,
  { arn, stored }: Entity<R>,
  request: PageRequest,
) {
  const names = Object.keys(stored.record.inlinePolicies)
  const page = pageOfItems(scope, names, (name) => [name], request, arn)
  return { PolicyNames: page.items, ...page.next }
}

/**
 * Attaching what is attached already changes nothing.
 * @throws ServiceError NoSuchEntityException, LimitExceededException
 */
export async function attachPolicy<R extends Holder>(
  { table, idOf, attachmentQuota }: HolderKind<R>,
  { stored }: Entity<R>,
  scope: IamWriteScope,
  arn: string,
): Promise<undefined> {
  if ((await findPolicy(scope, arn)) === undefined) throw policyNotAttachable(arn)
  const { record } = stored
  if (record.attachedPolicyArns.includes(arn)) return undefined
  assertBelow(attachmentQuota, record.attachedPolicyArns.length)
  const attachedPolicyArns = [...record.attachedPolicyArns, arn]
  await scope.tx.update(table, stored, { ...record, attachedPolicyArns })
  const { accountId } = record
  await link(scope.tx, { accountId, kind: 'attachment', target: arn, source: idOf(record) })
  return undefined
}

/** @throws ServiceError NoSuchEntityException for a policy that is not attached */
export async function detachPolicy<R extends Holder>(
  { table, idOf }: HolderKind<R>,
  { stored }: Entity<R>,
  { tx }: IamWriteScope,
  arn: string,
): Promise<undefined> {
  const { record } = stored
  if (!record.attachedPolicyArns.includes(arn)) throw policyNotFound(arn)
  const attachedPolicyArns = record.attachedPolicyArns.filter((held) => held !== arn)
  await tx.update(table, stored, { ...record, attachedPolicyArns })
  const { accountId } = record
  await unlink(tx, { accountId, kind: 'attachment', target: arn, source: idOf(record) })
  return undefined
}

const POLICY_RESOURCE = /:policy(\/.*?)([^/]*)$/

/** The path and the name that an ARN of a policy ends with. */
const placeOf = (arn: string): { readonly path: string; readonly name: string } => {
  const [, path = '/', name = arn] = POLICY_RESOURCE.exec(arn) ?? []
  return { path, name }
}

const attachedPolicy = (arn: string): AttachedPolicy => ({
  PolicyName: placeOf(arn).name,
  PolicyArn: arn,
})

/** The attached policies in the order in which they were attached. */
export const attachedPolicies = ({ attachedPolicyArns }: PolicyHolder): AttachedPolicy[] =>
  attachedPolicyArns.map(attachedPolicy)

/** AWS and the account may both have a policy of one name. */
const attachmentPosition = (arn: string): readonly string[] => [
  placeOf(arn).name,
  arn.includes(':aws:policy/') ? '0' : '1',
]

/** A page of attached policies, by name. */
export function pageOfAttachedPolicies<R extends Holder>(
  scope: IamScope,
  { arn: holderArn, stored }: Entity<R>,
  request: PageRequest & { readonly PathPrefix?: string | undefined },
) {
  const prefix = request.PathPrefix ?? '/'
  const arns = stored.record.attachedPolicyArns.filter((arn) =>
    placeOf(arn).path.startsWith(prefix),
  )
  const filter = JSON.stringify([holderArn, prefix])
  const page = pageOfItems(scope, arns, attachmentPosition, request, filter)
  return { AttachedPolicies: page.items.map(attachedPolicy), ...page.next }
}

/** The inline policies of a holder with their texts. */
export const inlinePolicyDetails = ({ inlinePolicies }: PolicyHolder) =>
  Object.entries(inlinePolicies).map(([PolicyName, text]) => ({
    PolicyName,
    PolicyDocument: encodedPolicy(text),
  }))

/** @throws ServiceError DeleteConflictException while the holder has a policy of either kind */
export function assertNoPolicies({ inlinePolicies, attachedPolicyArns }: PolicyHolder): void {
  if (attachedPolicyArns.length > 0) throw hasAttachedPolicies()
  if (Object.keys(inlinePolicies).length > 0) throw hasInlinePolicies()
}
