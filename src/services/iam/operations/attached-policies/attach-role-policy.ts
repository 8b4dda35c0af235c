import { attachmentKeys } from '../../managed-policies.ts'
import { attachPolicy, ROLE_POLICIES } from '../../policy-holders.ts'
import { defineRoleOperation } from '../../roles.ts'

/**
 * Gives a role a managed policy.
 * Source: AWS IAM API Reference, AttachRolePolicy.
 */
export const attachRolePolicy = defineRoleOperation({
  name: 'AttachRolePolicy',
  effect: 'write',
  conditions: (input, role) => attachmentKeys(input, role?.boundaryArn),
  handle: (input, role, scope) => attachPolicy(ROLE_POLICIES, role, scope, input.PolicyArn),
})
