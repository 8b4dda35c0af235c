import { pageOfAttachedPolicies } from '../../policy-holders.ts'
import { defineUserOperation } from '../../users.ts'

/**
 * The managed policies that a user has, page by page.
 * Source: AWS IAM API Reference, ListAttachedUserPolicies.
 */
export const listAttachedUserPolicies = defineUserOperation({
  name: 'ListAttachedUserPolicies',
  effect: 'read',
  handle: (input, user, scope) => pageOfAttachedPolicies(scope, user, input),
})
