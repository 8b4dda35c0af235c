import { ROLE_POLICIES, shownInlinePolicy } from '../../policy-holders.ts'
import { defineRoleOperation } from '../../roles.ts'

/**
 * The text of a policy that a role has of its own.
 * Source: AWS IAM API Reference, GetRolePolicy.
 */
export const getRolePolicy = defineRoleOperation({
  name: 'GetRolePolicy',
  effect: 'read',
  handle: (input, role) => ({
    RoleName: role.stored.record.name,
    ...shownInlinePolicy(ROLE_POLICIES, role, input.PolicyName),
  }),
})
