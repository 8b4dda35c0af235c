import { attachmentKeys } from '../../managed-policies.ts'
import { attachPolicy, USER_POLICIES } from '../../policy-holders.ts'
import { defineUserOperation } from '../../users.ts'

/**
 * Gives a user a managed policy.
 * Source: AWS IAM API Reference, AttachUserPolicy.
 */
export const attachUserPolicy = defineUserOperation({
  name: 'AttachUserPolicy',
  effect: 'write',
  conditions: (input, user) => attachmentKeys(input, user?.boundaryArn),
  handle: (input, user, scope) => attachPolicy(USER_POLICIES, user, scope, input.PolicyArn),
})
