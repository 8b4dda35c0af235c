import { definePolicyOperation } from '../../managed-policies.ts'
import { pageOfTags } from '../../tags.ts'

/**
 * The tags of a managed policy, page by page.
 * Source: AWS IAM API Reference, ListPolicyTags.
 */
export const listPolicyTags = definePolicyOperation({
  name: 'ListPolicyTags',
  effect: 'read',
  handle: (input, { arn, stored }, scope) => pageOfTags(scope, arn, stored.record.tags, input),
})
