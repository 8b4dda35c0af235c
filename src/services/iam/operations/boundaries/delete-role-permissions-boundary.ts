import { ROLES } from '../../../../core/identity-tables.ts'
import { linkBoundary } from '../../boundaries.ts'
import { defineRoleOperation, roleBoundary } from '../../roles.ts'

/**
 * Lets a role do all that its policies allow.
 * Source: AWS IAM API Reference, DeleteRolePermissionsBoundary.
 */
export const deleteRolePermissionsBoundary = defineRoleOperation({
  name: 'DeleteRolePermissionsBoundary',
  effect: 'write',
  conditions: roleBoundary,
  async handle(_input, { stored }, { tx }) {
    const { record } = stored
    await linkBoundary(tx, record, { source: record.roleId, arn: undefined })
    await tx.update(ROLES, stored, { ...record, boundaryArn: undefined })
    return undefined
  },
})
