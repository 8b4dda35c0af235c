import { pageOfInlinePolicies } from '../../policy-holders.ts'
import { defineUserOperation } from '../../users.ts'

/**
 * The names of the policies that a user has of its own, page by page.
 * Source: AWS IAM API Reference, ListUserPolicies.
 */
export const listUserPolicies = defineUserOperation({
  name: 'ListUserPolicies',
  effect: 'read',
  handle: (input, user, scope) => pageOfInlinePolicies(scope, user, input),
})
