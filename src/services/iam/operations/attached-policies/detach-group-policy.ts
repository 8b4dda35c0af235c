import { defineGroupOperation } from '../../groups.ts'
import { attachmentKeys } from '../../managed-policies.ts'
import { detachPolicy, GROUP_POLICIES } from '../../policy-holders.ts'

/**
 * Takes a managed policy from a group.
 * Source: AWS IAM API Reference, DetachGroupPolicy.
 */
export const detachGroupPolicy = defineGroupOperation({
  name: 'DetachGroupPolicy',
  effect: 'write',
  conditions: (input) => attachmentKeys(input, undefined),
  handle: (input, group, scope) => detachPolicy(GROUP_POLICIES, group, scope, input.PolicyArn),
})
