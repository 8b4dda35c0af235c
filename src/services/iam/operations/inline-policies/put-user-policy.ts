import { putInlinePolicy, USER_POLICIES } from '../../policy-holders.ts'
import { defineUserOperation, userBoundary } from '../../users.ts'

/**
 * Gives a user a policy of its own, or another text to the one of that name.
 * Source: AWS IAM API Reference, PutUserPolicy.
 */
export const putUserPolicy = defineUserOperation({
  name: 'PutUserPolicy',
  effect: 'write',
  conditions: userBoundary,
  handle: (input, user, scope) => putInlinePolicy(USER_POLICIES, user, scope, input),
})
