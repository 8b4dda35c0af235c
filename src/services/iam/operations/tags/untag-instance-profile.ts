import { INSTANCE_PROFILES } from '../../../../core/identity-tables.ts'
import { defineProfileOperation } from '../../instance-profiles.ts'
import { withoutTags } from '../../tags.ts'

/**
 * Takes tags from an instance profile; those that it has not are passed over.
 * Source: AWS IAM API Reference, UntagInstanceProfile.
 */
export const untagInstanceProfile = defineProfileOperation({
  name: 'UntagInstanceProfile',
  effect: 'write',
  conditions: (input) => ({ tagKeys: input.TagKeys }),
  async handle(input, { stored }, { tx }) {
    const tags = withoutTags(stored.record.tags, input.TagKeys)
    await tx.update(INSTANCE_PROFILES, stored, { ...stored.record, tags })
    return undefined
  },
})
