import { deleteInlinePolicy, USER_POLICIES } from '../../policy-holders.ts'
import { defineUserOperation, userBoundary } from '../../users.ts'

/**
 * Takes a policy of its own from a user.
 * Source: AWS IAM API Reference, DeleteUserPolicy.
 */
export const deleteUserPolicy = defineUserOperation({
  name: 'DeleteUserPolicy',
  effect: 'write',
  conditions: userBoundary,
  handle: (input, user, scope) => deleteInlinePolicy(USER_POLICIES, user, scope, input.PolicyName),
})
