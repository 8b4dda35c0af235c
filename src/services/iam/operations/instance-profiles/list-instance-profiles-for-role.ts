import { INSTANCE_PROFILES } from '../../../../core/identity-tables.ts'
import { listedProfile } from '../../instance-profiles.ts'
import { sourcesOf } from '../../links.ts'
import type { InstanceProfile } from '../../model.ts'
import { pageOfItems } from '../../paging.ts'
import { defineRoleOperation } from '../../roles.ts'

/**
 * The instance profiles that have a role, by name, page by page.
 * Source: AWS IAM API Reference, ListInstanceProfilesForRole.
 */
export const listInstanceProfilesForRole = defineRoleOperation({
  name: 'ListInstanceProfilesForRole',
  effect: 'read',
  async handle(input, { arn, stored: { record } }, scope) {
    const { accountId, roleId: target } = record
    const names = await sourcesOf(scope.records, { accountId, kind: 'profile', target })
    const page = pageOfItems(scope, names, (name) => [name], input, arn)
    const profiles: InstanceProfile[] = []
    for (const name of page.items) {
      const profile = await scope.records.find(INSTANCE_PROFILES, [accountId, name])
      if (profile !== undefined) profiles.push(await listedProfile(scope, profile.record))
    }
    return { InstanceProfiles: profiles, ...page.next }
  },
})
