import { nameKey, USERS } from '../../../../core/identity-tables.ts'
import { defineListing } from '../../iam-operation.ts'
import { pageOfRecords } from '../../paging.ts'
import { listedUser } from '../../users.ts'

/**
 * The users of the account whose path has a prefix, by name, page by page.
 * Source: AWS IAM API Reference, ListUsers.
 */
export const listUsers = defineListing({
  name: 'ListUsers',
  shownAs: ({ partition, accountId }) => `arn:${partition}:iam::${accountId}:user/`,
  async handle(input, scope) {
    const { PathPrefix: prefix = '/' } = input
    const page = await pageOfRecords(
      scope,
      {
        table: USERS,
        index: 'by_name',
        equals: [scope.home.accountId],
        positionOf: (user) => [nameKey(user.name), user.userId],
        includes: (user) => user.path.startsWith(prefix),
        filter: prefix,
      },
      input,
    )
    return { Users: page.items.map(({ record }) => listedUser(scope.home, record)), ...page.next }
  },
})
