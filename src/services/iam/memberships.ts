import type { Group, User } from '../../core/identity.ts'
import { GROUPS, USERS } from '../../core/identity-tables.ts'
import type { Records } from '../../core/records.ts'
import { sourcesOf } from './links.ts'

/** The users in a group. */
export async function membersOf(
  records: Records,
  { accountId, groupId }: Group,
): Promise<readonly User[]> {
  const members: User[] = []
  for (const id of await sourcesOf(records, { accountId, kind: 'membership', target: groupId })) {
    const user = await records.find(USERS, [id])
    if (user !== undefined) members.push(user.record)
  }
  return members
}

/** The groups that a user is in. */
export async function groupsOf(records: Records, { groupIds }: User): Promise<readonly Group[]> {
  const groups: Group[] = []
  for (const id of groupIds) {
    const group = await records.find(GROUPS, [id])
    if (group !== undefined) groups.push(group.record)
  }
  return groups
}
