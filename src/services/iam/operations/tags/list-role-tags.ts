import { defineRoleOperation } from '../../roles.ts'
import { pageOfTags } from '../../tags.ts'

/**
 * The tags of a role, page by page.
 * Source: AWS IAM API Reference, ListRoleTags.
 */
export const listRoleTags = defineRoleOperation({
  name: 'ListRoleTags',
  effect: 'read',
  handle: (input, { arn, stored }, scope) => pageOfTags(scope, arn, stored.record.tags, input),
})
