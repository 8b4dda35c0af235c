import { POLICY_SIZE_MAX } from '../../authz/policy-syntax.ts'
import {
  GROUPS,
  INSTANCE_PROFILES,
  MANAGED_POLICIES,
  OIDC_PROVIDERS,
  ROLES,
  USERS,
} from '../../core/identity-tables.ts'
import type { Table } from '../../core/tables.ts'
import { rootCredentials } from '../../identity/root-credentials.ts'
import type { IamScope } from './iam-operation.ts'
import type { Outputs } from './model.ts'
import { QUOTAS, VERSIONS_PER_POLICY } from './quotas.ts'

/** What AWS gives every account, of things that are not kept here. Source: AWS IAM API Reference, GetAccountSummary. */
const NOT_KEPT = {
  ServerCertificates: 0,
  ServerCertificatesQuota: 20,
  SigningCertificatesPerUserQuota: 2,
  MFADevices: 0,
  MFADevicesInUse: 0,
  AccountMFAEnabled: 0,
  AccountPasswordPresent: 0,
  AccountSigningCertificatesPresent: 0,
  PolicyVersionsInUseQuota: 10_000,
  GlobalEndpointTokenVersion: 1,
} as const

/** The quotas by the names that the summary has for them. */
const SUMMARY_QUOTAS = {
  UsersQuota: QUOTAS.UsersPerAccount,
  GroupsQuota: QUOTAS.GroupsPerAccount,
  RolesQuota: QUOTAS.RolesPerAccount,
  PoliciesQuota: QUOTAS.PoliciesPerAccount,
  InstanceProfilesQuota: QUOTAS.InstanceProfilesPerAccount,
  GroupsPerUserQuota: QUOTAS.GroupsPerUser,
  AccessKeysPerUserQuota: QUOTAS.AccessKeysPerUser,
  AttachedPoliciesPerUserQuota: QUOTAS.PoliciesPerUser,
  AttachedPoliciesPerGroupQuota: QUOTAS.PoliciesPerGroup,
  AttachedPoliciesPerRoleQuota: QUOTAS.PoliciesPerRole,
  VersionsPerPolicyQuota: VERSIONS_PER_POLICY,
  PolicySizeQuota: POLICY_SIZE_MAX.managed,
  UserPolicySizeQuota: POLICY_SIZE_MAX.userInline,
  GroupPolicySizeQuota: POLICY_SIZE_MAX.groupInline,
  RolePolicySizeQuota: POLICY_SIZE_MAX.roleInline,
  AssumeRolePolicySizeQuota: POLICY_SIZE_MAX.trust,
} as const

export async function accountSummary(
  scope: IamScope,
): Promise<Outputs['GetAccountSummary']['SummaryMap']> {
  const { records, home } = scope
  const equals = [home.accountId]
  const count = <R>(table: Table<R>, index: string, quota: number): Promise<number> =>
    records.count(table, { index, equals, atMost: quota })
  const policies = await records.page(MANAGED_POLICIES, {
    index: 'key',
    equals,
    limit: QUOTAS.PoliciesPerAccount,
  })
  const rootKeys = await rootCredentials(records, home.accountId)
  const providers = QUOTAS.OpenIdConnectProvidersPerAccount
  return {
    ...NOT_KEPT,
    ...SUMMARY_QUOTAS,
    Users: await count(USERS, 'by_name', QUOTAS.UsersPerAccount),
    Groups: await count(GROUPS, 'by_name', QUOTAS.GroupsPerAccount),
    Roles: await count(ROLES, 'by_name', QUOTAS.RolesPerAccount),
    InstanceProfiles: await count(INSTANCE_PROFILES, 'key', QUOTAS.InstanceProfilesPerAccount),
    Providers: await count(OIDC_PROVIDERS, 'key', providers),
    Policies: policies.length,
    PolicyVersionsInUse: policies.reduce((sum, { record }) => sum + record.versions.length, 0),
    AccountAccessKeysPresent: rootKeys.length > 0 ? 1 : 0,
  }
}
