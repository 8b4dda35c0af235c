import type { Records } from '../../core/records.ts'
import type { Table } from '../../core/tables.ts'
import { quotaExceeded } from './refusals.ts'

/**
 * Quotas of an account, those that AWS gives without being asked for more.
 * Source: IAM User Guide, IAM and AWS STS quotas.
 */
export const QUOTAS = {
  UsersPerAccount: 5000,
  GroupsPerAccount: 300,
  RolesPerAccount: 1000,
  PoliciesPerAccount: 1500,
  InstanceProfilesPerAccount: 1000,
  OpenIdConnectProvidersPerAccount: 100,
  GroupsPerUser: 10,
  AccessKeysPerUser: 2,
  PoliciesPerUser: 10,
  PoliciesPerGroup: 10,
  PoliciesPerRole: 10,
  InstanceSessionsPerInstanceProfile: 1,
  ClientIdsPerOpenIdConnectProvider: 100,
  ThumbprintsPerOpenIdConnectProvider: 5,
} as const
export type Quota = keyof typeof QUOTAS

export const VERSIONS_PER_POLICY = 5
export const TAGS_PER_ENTITY = 50

/** @throws ServiceError LimitExceededException when there are as many as there may be */
export function assertBelow(quota: Quota, count: number): void {
  if (count >= QUOTAS[quota]) throw quotaExceeded(quota, QUOTAS[quota])
}

/** @param index one that begins with the account: `key` or `by_name` */
export async function assertRoom<R>(
  records: Records,
  table: Table<R>,
  { index, accountId, quota }: { index: string; accountId: string; quota: Quota },
): Promise<void> {
  const atMost = QUOTAS[quota]
  assertBelow(quota, await records.count(table, { index, equals: [accountId], atMost }))
}
