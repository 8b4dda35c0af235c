import type { Group } from '../../core/identity.ts'
import { groupArn } from '../../core/identity-arns.ts'
import { GROUPS, IDENTITY_NAMES, nameKey } from '../../core/identity-tables.ts'
import {
  defineEntityOperation,
  type EntityDefinition,
  type EntityKind,
  type OperationNaming,
} from './entity-operations.ts'
import type { Effects, Home } from './iam-operation.ts'
import type { Group as ShownGroup } from './model.ts'
import { groupNotFound } from './refusals.ts'

export const GROUP: EntityKind<Group> = {
  async find({ records, home }, name) {
    const named = await records.find(IDENTITY_NAMES, [home.accountId, 'group', nameKey(name)])
    return named && records.find(GROUPS, [named.record.id])
  },
  arnOf: ({ partition }, group) => groupArn(partition, group),
  arnOfNone: ({ partition, accountId }, name) =>
    groupArn(partition, { accountId, name, path: '/' }),
  notFound: groupNotFound,
  label: 'group',
  tagsOf: () => undefined,
}

/** Defines an operation on the group that `GroupName` names. */
export const defineGroupOperation = <
  Name extends OperationNaming<'GroupName'>,
  Effect extends keyof Effects,
  Prepared = undefined,
>(
  definition: EntityDefinition<Name, Effect, Group, Prepared>,
) => defineEntityOperation(GROUP, (input) => input.GroupName, definition)

export const shownGroup = ({ partition }: Home, group: Group): ShownGroup => ({
  Path: group.path,
  GroupName: group.name,
  GroupId: group.groupId,
  Arn: groupArn(partition, group),
  CreateDate: group.createdAt,
})
