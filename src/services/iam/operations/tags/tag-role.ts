import { ROLES } from '../../../../core/identity-tables.ts'
import { defineRoleOperation } from '../../roles.ts'
import { givenTags, withTags } from '../../tags.ts'

/**
 * Puts tags on a role, in place of those with the same keys.
 * Source: AWS IAM API Reference, TagRole.
 */
export const tagRole = defineRoleOperation({
  name: 'TagRole',
  effect: 'write',
  conditions: (input) => ({ requestTags: givenTags(input.Tags) }),
  async handle(input, { stored }, { tx }) {
    const tags = withTags(stored.record.tags, input.Tags)
    await tx.update(ROLES, stored, { ...stored.record, tags })
    return undefined
  },
})
