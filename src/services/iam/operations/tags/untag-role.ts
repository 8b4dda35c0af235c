import { ROLES } from '../../../../core/identity-tables.ts'
import { defineRoleOperation } from '../../roles.ts'
import { withoutTags } from '../../tags.ts'

/**
 * Takes tags from a role; those that it has not are passed over.
 * Source: AWS IAM API Reference, UntagRole.
 */
export const untagRole = defineRoleOperation({
  name: 'UntagRole',
  effect: 'write',
  conditions: (input) => ({ tagKeys: input.TagKeys }),
  async handle(input, { stored }, { tx }) {
    const tags = withoutTags(stored.record.tags, input.TagKeys)
    await tx.update(ROLES, stored, { ...stored.record, tags })
    return undefined
  },
})
