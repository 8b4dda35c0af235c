import { unreachable } from '../../core/assert.ts'
import type { Group, Role, User } from '../../core/identity.ts'
import {
  GROUPS,
  INSTANCE_PROFILES,
  MANAGED_POLICIES,
  nameKey,
  ROLES,
  USERS,
} from '../../core/identity-tables.ts'
import type { Table } from '../../core/tables.ts'
import { AWS_MANAGED_POLICIES } from '../../identity/aws-managed-policies.ts'
import { shownBoundary } from './boundaries.ts'
import { shownGroup } from './groups.ts'
import type { IamScope } from './iam-operation.ts'
import { listedProfile } from './instance-profiles.ts'
import { sourcesOf } from './links.ts'
import {
  awsPolicy,
  listedPolicy,
  ownPolicy,
  type Policy,
  policyUse,
  shownVersion,
} from './managed-policies.ts'
import { groupsOf } from './memberships.ts'
import type {
  EntityType,
  GroupDetail,
  Inputs,
  InstanceProfile,
  ManagedPolicyDetail,
  Outputs,
  RoleDetail,
  UserDetail,
} from './model.ts'
import { pageOfItems } from './paging.ts'
import { attachedPolicies, inlinePolicyDetails } from './policy-holders.ts'
import { QUOTAS } from './quotas.ts'
import { listedRole, roleLastUse } from './roles.ts'
import { shownTags } from './tags.ts'
import { listedUser } from './users.ts'

/** One entry of the listing, which has four lists in this order. */
type Item =
  | { readonly list: '1'; readonly name: string; readonly user: User }
  | { readonly list: '2'; readonly name: string; readonly group: Group }
  | { readonly list: '3'; readonly name: string; readonly role: Role }
  | { readonly list: '4' | '5'; readonly name: string; readonly policy: Policy }

/** Every record of the account in one table; a quota bounds them. */
async function allOf<R>(
  { records, home }: IamScope,
  table: Table<R>,
  { index, limit }: { readonly index: string; readonly limit: number },
): Promise<readonly R[]> {
  const stored = await records.page(table, { index, equals: [home.accountId], limit })
  return stored.map(({ record }) => record)
}

async function usedAwsPolicies(scope: IamScope): Promise<readonly Policy[]> {
  const used: Policy[] = []
  for (const known of AWS_MANAGED_POLICIES) {
    const policy = awsPolicy(scope.home, known)
    const { attachments, boundaries } = await policyUse(scope, policy)
    if (attachments + boundaries > 0) used.push(policy)
  }
  return used
}

async function itemsOf(scope: IamScope, kind: EntityType): Promise<readonly Item[]> {
  switch (kind) {
    case 'User': {
      const users = await allOf(scope, USERS, { index: 'by_name', limit: QUOTAS.UsersPerAccount })
      return users.map((user) => ({ list: '1', name: nameKey(user.name), user }))
    }
    case 'Group': {
      const limit = QUOTAS.GroupsPerAccount
      const groups = await allOf(scope, GROUPS, { index: 'by_name', limit })
      return groups.map((group) => ({ list: '2', name: nameKey(group.name), group }))
    }
    case 'Role': {
      const roles = await allOf(scope, ROLES, { index: 'by_name', limit: QUOTAS.RolesPerAccount })
      return roles.map((role) => ({ list: '3', name: nameKey(role.name), role }))
    }
    case 'LocalManagedPolicy': {
      const { records, home } = scope
      const limit = QUOTAS.PoliciesPerAccount
      const query = { index: 'key', equals: [home.accountId], limit }
      const own = await records.page(MANAGED_POLICIES, query)
      return own
        .map((stored) => ownPolicy(home, stored))
        .map((policy) => ({ list: '4', name: nameKey(policy.name), policy }))
    }
    case 'AWSManagedPolicy': {
      const used = await usedAwsPolicies(scope)
      return used.map((policy) => ({ list: '5', name: nameKey(policy.name), policy }))
    }
    default:
      return unreachable(kind)
  }
}

const KINDS: readonly EntityType[] = [
  'User',
  'Group',
  'Role',
  'LocalManagedPolicy',
  'AWSManagedPolicy',
]

async function userDetail(scope: IamScope, user: User): Promise<UserDetail> {
  const groups = await groupsOf(scope.records, user)
  return {
    ...listedUser(scope.home, user),
    UserPolicyList: inlinePolicyDetails(user),
    GroupList: groups.map(({ name }) => name),
    AttachedManagedPolicies: attachedPolicies(user),
    ...shownBoundary(user.boundaryArn),
    Tags: shownTags(user.tags),
  }
}

const groupDetail = (scope: IamScope, group: Group): GroupDetail => ({
  ...shownGroup(scope.home, group),
  GroupPolicyList: inlinePolicyDetails(group),
  AttachedManagedPolicies: attachedPolicies(group),
})

async function profilesOf(scope: IamScope, role: Role): Promise<InstanceProfile[]> {
  const { accountId, roleId: target } = role
  const profiles: InstanceProfile[] = []
  for (const name of await sourcesOf(scope.records, { accountId, kind: 'profile', target })) {
    const profile = await scope.records.find(INSTANCE_PROFILES, [accountId, name])
    if (profile !== undefined) profiles.push(await listedProfile(scope, profile.record))
  }
  return profiles
}

async function roleDetail(scope: IamScope, role: Role): Promise<RoleDetail> {
  return {
    ...(await listedRole(scope, role)),
    InstanceProfileList: await profilesOf(scope, role),
    RolePolicyList: inlinePolicyDetails(role),
    AttachedManagedPolicies: attachedPolicies(role),
    ...shownBoundary(role.boundaryArn),
    Tags: shownTags(role.tags),
    RoleLastUsed: await roleLastUse(scope, role),
  }
}

async function policyDetail(scope: IamScope, policy: Policy): Promise<ManagedPolicyDetail> {
  return {
    ...(await listedPolicy(scope, policy)),
    PolicyVersionList: policy.versions.map((version) => shownVersion(policy, version)),
  }
}

/** What everybody in the account may do, page by page. */
export async function authorizationDetails(
  input: Inputs['GetAccountAuthorizationDetails'],
  scope: IamScope,
): Promise<Outputs['GetAccountAuthorizationDetails']> {
  const wanted = new Set(
    input.Filter === undefined || input.Filter.length === 0 ? KINDS : input.Filter,
  )
  const items: Item[] = []
  for (const kind of KINDS) if (wanted.has(kind)) items.push(...(await itemsOf(scope, kind)))
  const positionOf = ({ list, name }: Item) => [list, name]
  const page = pageOfItems(scope, items, positionOf, input, JSON.stringify([...wanted].sort()))
  const users: UserDetail[] = []
  const groups: GroupDetail[] = []
  const roles: RoleDetail[] = []
  const policies: ManagedPolicyDetail[] = []
  for (const item of page.items) {
    if (item.list === '1') users.push(await userDetail(scope, item.user))
    else if (item.list === '2') groups.push(groupDetail(scope, item.group))
    else if (item.list === '3') roles.push(await roleDetail(scope, item.role))
    else policies.push(await policyDetail(scope, item.policy))
  }
  return {
    UserDetailList: users,
    GroupDetailList: groups,
    RoleDetailList: roles,
    Policies: policies,
    ...page.next,
  }
}
