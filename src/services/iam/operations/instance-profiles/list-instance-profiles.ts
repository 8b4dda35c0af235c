import { INSTANCE_PROFILES, nameKey } from '../../../../core/identity-tables.ts'
import { defineListing } from '../../iam-operation.ts'
import { listedProfile } from '../../instance-profiles.ts'
import type { InstanceProfile } from '../../model.ts'
import { pageOfRecords } from '../../paging.ts'

/**
 * The instance profiles of the account whose path has a prefix, by name, page by page.
 * Source: AWS IAM API Reference, ListInstanceProfiles.
 */
export const listInstanceProfiles = defineListing({
  name: 'ListInstanceProfiles',
  shownAs: ({ partition, accountId }) => `arn:${partition}:iam::${accountId}:instance-profile/`,
  async handle(input, scope) {
    const { PathPrefix: prefix = '/' } = input
    const page = await pageOfRecords(
      scope,
      {
        table: INSTANCE_PROFILES,
        index: 'key',
        equals: [scope.home.accountId],
        positionOf: (profile) => [nameKey(profile.name)],
        includes: (profile) => profile.path.startsWith(prefix),
        filter: prefix,
      },
      input,
    )
    const profiles: InstanceProfile[] = []
    for (const { record } of page.items) profiles.push(await listedProfile(scope, record))
    return { InstanceProfiles: profiles, ...page.next }
  },
})
