import { defineGroupOperation } from '../../groups.ts'
import { GROUP_POLICIES, shownInlinePolicy } from '../../policy-holders.ts'

/**
 * The text of a policy that a group has of its own.
 * Source: AWS IAM API Reference, GetGroupPolicy.
 */
export const getGroupPolicy = defineGroupOperation({
  name: 'GetGroupPolicy',
  effect: 'read',
  handle: (input, group) => ({
    GroupName: group.stored.record.name,
    ...shownInlinePolicy(GROUP_POLICIES, group, input.PolicyName),
  }),
})
