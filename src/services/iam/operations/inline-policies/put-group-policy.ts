import { defineGroupOperation } from '../../groups.ts'
import { GROUP_POLICIES, putInlinePolicy } from '../../policy-holders.ts'

/**
 * Gives a group a policy of its own, or another text to the one of that name.
 * Source: AWS IAM API Reference, PutGroupPolicy.
 */
export const putGroupPolicy = defineGroupOperation({
  name: 'PutGroupPolicy',
  effect: 'write',
  handle: (input, group, scope) => putInlinePolicy(GROUP_POLICIES, group, scope, input),
})
