import { defineProfileOperation, listedProfile } from '../../instance-profiles.ts'
import { shownTags } from '../../tags.ts'

/**
 * An instance profile with its role and tags.
 * Source: AWS IAM API Reference, GetInstanceProfile.
 */
export const getInstanceProfile = defineProfileOperation({
  name: 'GetInstanceProfile',
  effect: 'read',
  async handle(_input, { stored: { record } }, scope) {
    const shown = await listedProfile(scope, record)
    return { InstanceProfile: { ...shown, Tags: shownTags(record.tags) } }
  },
})
