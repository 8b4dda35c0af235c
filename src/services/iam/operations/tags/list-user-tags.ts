import { pageOfTags } from '../../tags.ts'
import { defineUserOperation } from '../../users.ts'

/**
 * The tags of a user, page by page.
 * Source: AWS IAM API Reference, ListUserTags.
 */
export const listUserTags = defineUserOperation({
  name: 'ListUserTags',
  effect: 'read',
  handle: (input, { arn, stored }, scope) => pageOfTags(scope, arn, stored.record.tags, input),
})
