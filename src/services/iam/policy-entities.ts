import { GROUPS, ROLES, USERS } from '../../core/identity-tables.ts'
import type { Records } from '../../core/records.ts'
import type { IamScope } from './iam-operation.ts'
import { sourcesOf } from './links.ts'

/** Who has a managed policy. */
export interface PolicyEntity {
  readonly kind: 'Group' | 'Role' | 'User'
  readonly id: string
  readonly name: string
  readonly path: string
}

async function findEntity(records: Records, id: string): Promise<PolicyEntity | undefined> {
  const user = (await records.find(USERS, [id]))?.record
  if (user !== undefined) return { kind: 'User', id, name: user.name, path: user.path }
  const role = (await records.find(ROLES, [id]))?.record
  if (role !== undefined) return { kind: 'Role', id, name: role.name, path: role.path }
  const group = (await records.find(GROUPS, [id]))?.record
  return group && { kind: 'Group', id, name: group.name, path: group.path }
}

/** Everybody who has a policy for permissions, as boundary, or either. */
export async function policyEntities(
  { records, home }: IamScope,
  arn: string,
  usage: 'PermissionsPolicy' | 'PermissionsBoundary' | undefined,
): Promise<readonly PolicyEntity[]> {
  const target = { accountId: home.accountId, target: arn }
  const ids = new Set<string>()
  if (usage !== 'PermissionsBoundary') {
    for (const id of await sourcesOf(records, { ...target, kind: 'attachment' })) ids.add(id)
  }
  if (usage !== 'PermissionsPolicy') {
    for (const id of await sourcesOf(records, { ...target, kind: 'boundary' })) ids.add(id)
  }
  const found: PolicyEntity[] = []
  for (const id of ids) {
    const entity = await findEntity(records, id)
    if (entity !== undefined) found.push(entity)
  }
  return found
}
