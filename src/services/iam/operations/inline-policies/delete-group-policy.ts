import { defineGroupOperation } from '../../groups.ts'
import { deleteInlinePolicy, GROUP_POLICIES } from '../../policy-holders.ts'

/**
 * Takes a policy of its own from a group.
 * Source: AWS IAM API Reference, DeleteGroupPolicy.
 */
export const deleteGroupPolicy = defineGroupOperation({
  name: 'DeleteGroupPolicy',
  effect: 'write',
  handle: (input, group, scope) =>
    deleteInlinePolicy(GROUP_POLICIES, group, scope, input.PolicyName),
})
