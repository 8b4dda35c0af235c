import { pageOfInlinePolicies } from '../../policy-holders.ts'
import { defineRoleOperation } from '../../roles.ts'

/**
 * The names of the policies that a role has of its own, page by page.
 * Source: AWS IAM API Reference, ListRolePolicies.
 */
export const listRolePolicies = defineRoleOperation({
  name: 'ListRolePolicies',
  effect: 'read',
  handle: (input, role, scope) => pageOfInlinePolicies(scope, role, input),
})
