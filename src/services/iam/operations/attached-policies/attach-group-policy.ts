import { defineGroupOperation } from '../../groups.ts'
import { attachmentKeys } from '../../managed-policies.ts'
import { attachPolicy, GROUP_POLICIES } from '../../policy-holders.ts'

/**
 * Gives a group a managed policy.
 * Source: AWS IAM API Reference, AttachGroupPolicy.
 */
export const attachGroupPolicy = defineGroupOperation({
  name: 'AttachGroupPolicy',
  effect: 'write',
  conditions: (input) => attachmentKeys(input, undefined),
  handle: (input, group, scope) => attachPolicy(GROUP_POLICIES, group, scope, input.PolicyArn),
})
