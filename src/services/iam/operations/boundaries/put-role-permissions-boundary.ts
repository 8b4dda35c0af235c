import { ROLES } from '../../../../core/identity-tables.ts'
import { assertBoundary, boundaryKey, linkBoundary } from '../../boundaries.ts'
import { defineRoleOperation } from '../../roles.ts'

/**
 * Sets what a role may do at most, whatever its policies allow.
 * Source: AWS IAM API Reference, PutRolePermissionsBoundary.
 */
export const putRolePermissionsBoundary = defineRoleOperation({
  name: 'PutRolePermissionsBoundary',
  effect: 'write',
  // A condition on the boundary looks at the one that is to be.
  conditions: (input) => ({ serviceKeys: boundaryKey(input.PermissionsBoundary) }),
  async handle({ PermissionsBoundary: arn }, { stored }, scope) {
    await assertBoundary(scope, arn)
    const { record } = stored
    await linkBoundary(scope.tx, record, { source: record.roleId, arn })
    await scope.tx.update(ROLES, stored, { ...record, boundaryArn: arn })
    return undefined
  },
})
