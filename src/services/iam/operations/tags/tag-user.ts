import { USERS } from '../../../../core/identity-tables.ts'
import { givenTags, withTags } from '../../tags.ts'
import { defineUserOperation } from '../../users.ts'

/**
 * Puts tags on a user, in place of those with the same keys.
 * Source: AWS IAM API Reference, TagUser.
 */
export const tagUser = defineUserOperation({
  name: 'TagUser',
  effect: 'write',
  conditions: (input) => ({ requestTags: givenTags(input.Tags) }),
  async handle(input, { stored }, { tx }) {
    const tags = withTags(stored.record.tags, input.Tags)
    await tx.update(USERS, stored, { ...stored.record, tags })
    return undefined
  },
})
