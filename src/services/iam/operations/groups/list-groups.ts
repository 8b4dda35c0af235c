import { GROUPS, nameKey } from '../../../../core/identity-tables.ts'
import { shownGroup } from '../../groups.ts'
import { defineListing } from '../../iam-operation.ts'
import { pageOfRecords } from '../../paging.ts'

/**
 * The groups of the account whose path has a prefix, by name, page by page.
 * Source: AWS IAM API Reference, ListGroups.
 */
export const listGroups = defineListing({
  name: 'ListGroups',
  shownAs: ({ partition, accountId }) => `arn:${partition}:iam::${accountId}:group/`,
  async handle(input, scope) {
    const { PathPrefix: prefix = '/' } = input
    const page = await pageOfRecords(
      scope,
      {
        table: GROUPS,
        index: 'by_name',
        equals: [scope.home.accountId],
        positionOf: (group) => [nameKey(group.name), group.groupId],
        includes: (group) => group.path.startsWith(prefix),
        filter: prefix,
      },
      input,
    )
    return { Groups: page.items.map(({ record }) => shownGroup(scope.home, record)), ...page.next }
  },
})
