import { definePolicyOperation } from '../../managed-policies.ts'
import { pageOfItems } from '../../paging.ts'
import { type PolicyEntity, policyEntities } from '../../policy-entities.ts'

const positionOf = (entity: PolicyEntity): readonly string[] => [entity.kind, entity.name]

/**
 * The users, groups and roles that have a managed policy, or have it as their boundary, page by page.
 * Source: AWS IAM API Reference, ListEntitiesForPolicy.
 */
export const listEntitiesForPolicy = definePolicyOperation({
  name: 'ListEntitiesForPolicy',
  effect: 'read',
  async handle(input, { arn }, scope) {
    const { EntityFilter: kind, PathPrefix: prefix = '/', PolicyUsageFilter: usage } = input
    const entities = await policyEntities(scope, arn, usage)
    const wanted = entities.filter(
      (entity) => entity.path.startsWith(prefix) && (kind ?? entity.kind) === entity.kind,
    )
    const filter = JSON.stringify([arn, kind, prefix, usage])
    const page = pageOfItems(scope, wanted, positionOf, input, filter)
    const ofKind = (shown: PolicyEntity['kind']) => page.items.filter((one) => one.kind === shown)
    return {
      PolicyGroups: ofKind('Group').map(({ name, id }) => ({ GroupName: name, GroupId: id })),
      PolicyUsers: ofKind('User').map(({ name, id }) => ({ UserName: name, UserId: id })),
      PolicyRoles: ofKind('Role').map(({ name, id }) => ({ RoleName: name, RoleId: id })),
      ...page.next,
    }
  },
})
