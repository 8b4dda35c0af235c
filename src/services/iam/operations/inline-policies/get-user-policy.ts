import { shownInlinePolicy, USER_POLICIES } from '../../policy-holders.ts'
import { defineUserOperation } from '../../users.ts'

/**
 * The text of a policy that a user has of its own.
 * Source: AWS IAM API Reference, GetUserPolicy.
 */
export const getUserPolicy = defineUserOperation({
  name: 'GetUserPolicy',
  effect: 'read',
  handle: (input, user) => ({
    UserName: user.stored.record.name,
    ...shownInlinePolicy(USER_POLICIES, user, input.PolicyName),
  }),
})
