import { attachmentKeys } from '../../managed-policies.ts'
import { detachPolicy, ROLE_POLICIES } from '../../policy-holders.ts'
import { defineRoleOperation } from '../../roles.ts'

/**
 * Takes a managed policy from a role.
 * Source: AWS IAM API Reference, DetachRolePolicy.
 */
export const detachRolePolicy = defineRoleOperation({
  name: 'DetachRolePolicy',
  effect: 'write',
  conditions: (input, role) => attachmentKeys(input, role?.boundaryArn),
  handle: (input, role, scope) => detachPolicy(ROLE_POLICIES, role, scope, input.PolicyArn),
})
