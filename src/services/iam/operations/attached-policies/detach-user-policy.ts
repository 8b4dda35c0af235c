import { attachmentKeys } from '../../managed-policies.ts'
import { detachPolicy, USER_POLICIES } from '../../policy-holders.ts'
import { defineUserOperation } from '../../users.ts'

/**
 * Takes a managed policy from a user.
 * Source: AWS IAM API Reference, DetachUserPolicy.
 */
export const detachUserPolicy = defineUserOperation({
  name: 'DetachUserPolicy',
  effect: 'write',
  conditions: (input, user) => attachmentKeys(input, user?.boundaryArn),
  handle: (input, user, scope) => detachPolicy(USER_POLICIES, user, scope, input.PolicyArn),
})
