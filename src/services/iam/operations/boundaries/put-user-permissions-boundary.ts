import { USERS } from '../../../../core/identity-tables.ts'
import { assertBoundary, boundaryKey, linkBoundary } from '../../boundaries.ts'
import { defineUserOperation } from '../../users.ts'

/**
 * Sets what a user may do at most, whatever its policies allow.
 * Source: AWS IAM API Reference, PutUserPermissionsBoundary.
 */
export const putUserPermissionsBoundary = defineUserOperation({
  name: 'PutUserPermissionsBoundary',
  effect: 'write',
  // A condition on the boundary looks at the one that is to be.
  conditions: (input) => ({ serviceKeys: boundaryKey(input.PermissionsBoundary) }),
  async handle({ PermissionsBoundary: arn }, { stored }, scope) {
    await assertBoundary(scope, arn)
    const { record } = stored
    await linkBoundary(scope.tx, record, { source: record.userId, arn })
    await scope.tx.update(USERS, stored, { ...record, boundaryArn: arn })
    return undefined
  },
})
