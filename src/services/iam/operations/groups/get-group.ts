import { defineGroupOperation, shownGroup } from '../../groups.ts'
import { membersOf } from '../../memberships.ts'
import { pageOfItems } from '../../paging.ts'
import { listedUser } from '../../users.ts'

/**
 * A group with the users in it, by name, page by page.
 * Source: AWS IAM API Reference, GetGroup.
 */
export const getGroup = defineGroupOperation({
  name: 'GetGroup',
  effect: 'read',
  async handle(input, { arn, stored }, scope) {
    const members = await membersOf(scope.records, stored.record)
    const page = pageOfItems(scope, members, (user) => [user.name, user.userId], input, arn)
    return {
      Group: shownGroup(scope.home, stored.record),
      Users: page.items.map((user) => listedUser(scope.home, user)),
      ...page.next,
    }
  },
})
