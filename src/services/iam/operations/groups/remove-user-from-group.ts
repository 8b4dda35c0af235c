import { USERS } from '../../../../core/identity-tables.ts'
import { getEntity } from '../../entity-operations.ts'
import { defineGroupOperation } from '../../groups.ts'
import { unlink } from '../../links.ts'
import { USER } from '../../users.ts'

/**
 * Takes a user out of a group; one who is not in it is passed over.
 * Source: AWS IAM API Reference, RemoveUserFromGroup.
 */
export const removeUserFromGroup = defineGroupOperation({
  name: 'RemoveUserFromGroup',
  effect: 'write',
  async handle(input, { stored: group }, scope) {
    const { stored } = await getEntity(USER, input.UserName, scope)
    const { accountId, userId } = stored.record
    const { groupId } = group.record
    if (!stored.record.groupIds.includes(groupId)) return undefined
    const groupIds = stored.record.groupIds.filter((id) => id !== groupId)
    await scope.tx.update(USERS, stored, { ...stored.record, groupIds })
    await unlink(scope.tx, { accountId, kind: 'membership', target: groupId, source: userId })
    return undefined
  },
})
