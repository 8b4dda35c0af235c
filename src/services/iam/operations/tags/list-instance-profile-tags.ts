import { defineProfileOperation } from '../../instance-profiles.ts'
import { pageOfTags } from '../../tags.ts'

/**
 * The tags of an instance profile, page by page.
 * Source: AWS IAM API Reference, ListInstanceProfileTags.
 */
export const listInstanceProfileTags = defineProfileOperation({
  name: 'ListInstanceProfileTags',
  effect: 'read',
  handle: (input, { arn, stored }, scope) => pageOfTags(scope, arn, stored.record.tags, input),
})
