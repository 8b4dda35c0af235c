import { nameKey, ROLES } from '../../../../core/identity-tables.ts'
import { defineListing } from '../../iam-operation.ts'
import type { Role } from '../../model.ts'
import { pageOfRecords } from '../../paging.ts'
import { listedRole } from '../../roles.ts'

/**
 * The roles of the account whose path has a prefix, by name, page by page.
 * Source: AWS IAM API Reference, ListRoles.
 */
export const listRoles = defineListing({
  name: 'ListRoles',
  shownAs: ({ partition, accountId }) => `arn:${partition}:iam::${accountId}:role/`,
  async handle(input, scope) {
    const { PathPrefix: prefix = '/' } = input
    const page = await pageOfRecords(
      scope,
      {
        table: ROLES,
        index: 'by_name',
        equals: [scope.home.accountId],
        positionOf: (role) => [nameKey(role.name), role.roleId],
        includes: (role) => role.path.startsWith(prefix),
        filter: prefix,
      },
      input,
    )
    const roles: Role[] = []
    for (const { record } of page.items) roles.push(await listedRole(scope, record))
    return { Roles: roles, ...page.next }
  },
})
