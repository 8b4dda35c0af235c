import { INSTANCE_PROFILES } from '../../../../core/identity-tables.ts'
import { defineProfileOperation } from '../../instance-profiles.ts'
import { isInProfiles } from '../../refusals.ts'

/**
 * Removes an instance profile that has no role.
 * Source: AWS IAM API Reference, DeleteInstanceProfile.
 */
export const deleteInstanceProfile = defineProfileOperation({
  name: 'DeleteInstanceProfile',
  effect: 'write',
  async handle(_input, { stored }, { tx }) {
    if (stored.record.roleId !== undefined) throw isInProfiles()
    await tx.remove(INSTANCE_PROFILES, stored)
    return undefined
  },
})
