import { USERS } from '../../../../core/identity-tables.ts'
import { userAccessKeys } from '../../access-keys.ts'
import { linkBoundary } from '../../boundaries.ts'
import { releaseName } from '../../names.ts'
import { assertNoPolicies } from '../../policy-holders.ts'
import { hasAccessKeys, hasMembers } from '../../refusals.ts'
import { defineUserOperation } from '../../users.ts'

/**
 * Removes a user for good: one of the same name that is made later is somebody else.
 * Source: AWS IAM API Reference, DeleteUser.
 */
export const deleteUser = defineUserOperation({
  name: 'DeleteUser',
  effect: 'write',
  async handle(_input, { stored }, { tx }) {
    const { record } = stored
    const { accountId, userId, name } = record
    if ((await userAccessKeys(tx, userId)).length > 0) throw hasAccessKeys()
    assertNoPolicies(record)
    if (record.groupIds.length > 0) throw hasMembers()
    await linkBoundary(tx, record, { source: userId, arn: undefined })
    await releaseName(tx, { accountId, kind: 'user', name })
    await tx.remove(USERS, stored)
    return undefined
  },
})
