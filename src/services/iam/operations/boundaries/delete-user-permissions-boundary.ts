import { USERS } from '../../../../core/identity-tables.ts'
import { linkBoundary } from '../../boundaries.ts'
import { defineUserOperation, userBoundary } from '../../users.ts'

/**
 * Lets a user do all that its policies allow.
 * Source: AWS IAM API Reference, DeleteUserPermissionsBoundary.
 */
export const deleteUserPermissionsBoundary = defineUserOperation({
  name: 'DeleteUserPermissionsBoundary',
  effect: 'write',
  conditions: userBoundary,
  async handle(_input, { stored }, { tx }) {
    const { record } = stored
    await linkBoundary(tx, record, { source: record.userId, arn: undefined })
    await tx.update(USERS, stored, { ...record, boundaryArn: undefined })
    return undefined
  },
})
