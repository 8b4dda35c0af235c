import { defineGroupOperation } from '../../groups.ts'
import { pageOfInlinePolicies } from '../../policy-holders.ts'

/**
 * The names of the policies that a group has of its own, page by page.
 * Source: AWS IAM API Reference, ListGroupPolicies.
 */
export const listGroupPolicies = defineGroupOperation({
  name: 'ListGroupPolicies',
  effect: 'read',
  handle: (input, group, scope) => pageOfInlinePolicies(scope, group, input),
})
