import { defineGroupOperation } from '../../groups.ts'
import { pageOfAttachedPolicies } from '../../policy-holders.ts'

/**
 * The managed policies that a group has, page by page.
 * Source: AWS IAM API Reference, ListAttachedGroupPolicies.
 */
export const listAttachedGroupPolicies = defineGroupOperation({
  name: 'ListAttachedGroupPolicies',
  effect: 'read',
  handle: (input, group, scope) => pageOfAttachedPolicies(scope, group, input),
})
