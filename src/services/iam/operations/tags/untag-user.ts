import { USERS } from '../../../../core/identity-tables.ts'
import { withoutTags } from '../../tags.ts'
import { defineUserOperation } from '../../users.ts'

/**
 * Takes tags from a user; those that it has not are passed over.
 * Source: AWS IAM API Reference, UntagUser.
 */
export const untagUser = defineUserOperation({
  name: 'UntagUser',
  effect: 'write',
  conditions: (input) => ({ tagKeys: input.TagKeys }),
  async handle(input, { stored }, { tx }) {
    const tags = withoutTags(stored.record.tags, input.TagKeys)
    await tx.update(USERS, stored, { ...stored.record, tags })
    return undefined
  },
})
