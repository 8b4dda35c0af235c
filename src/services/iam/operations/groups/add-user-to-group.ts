import { USERS } from '../../../../core/identity-tables.ts'
import { getEntity } from '../../entity-operations.ts'
import { defineGroupOperation } from '../../groups.ts'
import { link } from '../../links.ts'
import { assertBelow } from '../../quotas.ts'
import { USER } from '../../users.ts'

/**
 * Puts a user into a group; one who is in it stays there.
 * Source: AWS IAM API Reference, AddUserToGroup.
 */
export const addUserToGroup = defineGroupOperation({
  name: 'AddUserToGroup',
  effect: 'write',
  async handle(input, { stored: group }, scope) {
    const { stored } = await getEntity(USER, input.UserName, scope)
    const { accountId, userId, groupIds } = stored.record
    const { groupId } = group.record
    if (groupIds.includes(groupId)) return undefined
    assertBelow('GroupsPerUser', groupIds.length)
    await scope.tx.update(USERS, stored, { ...stored.record, groupIds: [...groupIds, groupId] })
    await link(scope.tx, { accountId, kind: 'membership', target: groupId, source: userId })
    return undefined
  },
})
