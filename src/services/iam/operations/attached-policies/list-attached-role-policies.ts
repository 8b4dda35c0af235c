import { pageOfAttachedPolicies } from '../../policy-holders.ts'
import { defineRoleOperation } from '../../roles.ts'

/**
 * The managed policies that a role has, page by page.
 * Source: AWS IAM API Reference, ListAttachedRolePolicies.
 */
export const listAttachedRolePolicies = defineRoleOperation({
  name: 'ListAttachedRolePolicies',
  effect: 'read',
  handle: (input, role, scope) => pageOfAttachedPolicies(scope, role, input),
})
