import type { InstanceProfile } from '../../core/identity.ts'
import { instanceProfileArn } from '../../core/identity-arns.ts'
import { INSTANCE_PROFILES, nameKey, ROLES } from '../../core/identity-tables.ts'
import {
  defineEntityOperation,
  type EntityDefinition,
  type EntityKind,
  type OperationNaming,
} from './entity-operations.ts'
import type { Effects, IamScope } from './iam-operation.ts'
import type { InstanceProfile as ShownProfile } from './model.ts'
import { profileNotFound } from './refusals.ts'
import { listedRole } from './roles.ts'

const PROFILE: EntityKind<InstanceProfile> = {
  find: ({ records, home }, name) =>
    records.find(INSTANCE_PROFILES, [home.accountId, nameKey(name)]),
  arnOf: ({ partition }, profile) => instanceProfileArn(partition, profile),
  arnOfNone: ({ partition, accountId }, name) =>
    instanceProfileArn(partition, { accountId, name, path: '/' }),
  notFound: profileNotFound,
  label: 'instance profile',
  tagsOf: (profile) => profile.tags,
}

/** Defines an operation on the instance profile that `InstanceProfileName` names. */
export const defineProfileOperation = <
  Name extends OperationNaming<'InstanceProfileName'>,
  Effect extends keyof Effects,
  Prepared = undefined,
>(
  definition: EntityDefinition<Name, Effect, InstanceProfile, Prepared>,
) => defineEntityOperation(PROFILE, (input) => input.InstanceProfileName, definition)

/** An instance profile as listings show it, with its role. */
export async function listedProfile(
  scope: IamScope,
  profile: InstanceProfile,
): Promise<ShownProfile> {
  const role =
    profile.roleId === undefined ? undefined : await scope.records.find(ROLES, [profile.roleId])
  return {
    Path: profile.path,
    InstanceProfileName: profile.name,
    InstanceProfileId: profile.profileId,
    Arn: instanceProfileArn(scope.home.partition, profile),
    CreateDate: profile.createdAt,
    Roles: role === undefined ? [] : [await listedRole(scope, role.record)],
  }
}
