import { shownGroup } from '../../groups.ts'
import { groupsOf } from '../../memberships.ts'
import { pageOfItems } from '../../paging.ts'
import { defineUserOperation } from '../../users.ts'

/**
 * The groups that a user is in, by name, page by page.
 * Source: AWS IAM API Reference, ListGroupsForUser.
 */
export const listGroupsForUser = defineUserOperation({
  name: 'ListGroupsForUser',
  effect: 'read',
  async handle(input, { arn, stored }, scope) {
    const groups = await groupsOf(scope.records, stored.record)
    const page = pageOfItems(scope, groups, (group) => [group.name], input, arn)
    return { Groups: page.items.map((group) => shownGroup(scope.home, group)), ...page.next }
  },
})
