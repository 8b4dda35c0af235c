import { deleteInlinePolicy, ROLE_POLICIES } from '../../policy-holders.ts'
import { defineRoleOperation, roleBoundary } from '../../roles.ts'

/**
 * Takes a policy of its own from a role.
 * Source: AWS IAM API Reference, DeleteRolePolicy.
 */
export const deleteRolePolicy = defineRoleOperation({
  name: 'DeleteRolePolicy',
  effect: 'write',
  conditions: roleBoundary,
  handle: (input, role, scope) => deleteInlinePolicy(ROLE_POLICIES, role, scope, input.PolicyName),
})
