import { INSTANCE_PROFILES } from '../../../../core/identity-tables.ts'
import { defineProfileOperation } from '../../instance-profiles.ts'
import { givenTags, withTags } from '../../tags.ts'

/**
 * Puts tags on an instance profile, in place of those with the same keys.
 * Source: AWS IAM API Reference, TagInstanceProfile.
 */
export const tagInstanceProfile = defineProfileOperation({
  name: 'TagInstanceProfile',
  effect: 'write',
  conditions: (input) => ({ requestTags: givenTags(input.Tags) }),
  async handle(input, { stored }, { tx }) {
    const tags = withTags(stored.record.tags, input.Tags)
    await tx.update(INSTANCE_PROFILES, stored, { ...stored.record, tags })
    return undefined
  },
})
