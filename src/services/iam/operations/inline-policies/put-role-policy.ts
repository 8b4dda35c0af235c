import { putInlinePolicy, ROLE_POLICIES } from '../../policy-holders.ts'
import { defineRoleOperation, roleBoundary } from '../../roles.ts'

/**
 * Gives a role a policy of its own, or another text to the one of that name.
 * Source: AWS IAM API Reference, PutRolePolicy.
 */
export const putRolePolicy = defineRoleOperation({
  name: 'PutRolePolicy',
  effect: 'write',
  conditions: roleBoundary,
  handle: (input, role, scope) => putInlinePolicy(ROLE_POLICIES, role, scope, input),
})
