import type { BoundPolicy, Role } from '../../core/identity.ts'
import { roleArn } from '../../core/identity-arns.ts'
import { bindPrincipals, shownPolicy } from '../../identity/bound-policy.ts'
import { findRole } from '../../identity/principal-ids.ts'
import { boundaryKey, shownBoundary } from './boundaries.ts'
import {
  type Conditions,
  defineEntityOperation,
  type EntityDefinition,
  type EntityKind,
  type OperationNaming,
} from './entity-operations.ts'
import type { Effects, IamScope } from './iam-operation.ts'
import type { Role as ShownRole } from './model.ts'
import { assertTrustPolicy, encodedPolicy } from './policy-documents.ts'
import { malformedPolicy, roleNotFound } from './refusals.ts'
import { shownTagsIfAny } from './tags.ts'

export const ROLE: EntityKind<Role> = {
  find: ({ records, home }, name) => findRole(records, home.accountId, name),
  arnOf: ({ partition }, role) => roleArn(partition, role),
  arnOfNone: ({ partition, accountId }, name) => roleArn(partition, { accountId, name, path: '/' }),
  notFound: roleNotFound,
  label: 'role',
  tagsOf: (role) => role.tags,
}

/** Defines an operation on the role that `RoleName` names. */
export const defineRoleOperation = <
  Name extends OperationNaming<'RoleName'>,
  Effect extends keyof Effects,
  Prepared = undefined,
>(
  definition: EntityDefinition<Name, Effect, Role, Prepared>,
) => defineEntityOperation(ROLE, (input) => input.RoleName, definition)

/** The seconds that a session of a role may last where nobody said. */
export const MAX_SESSION_SECONDS = 3600

/**
 * A trust policy with the ids of those it names.
 * @throws ServiceError LimitExceededException, MalformedPolicyDocumentException
 */
export async function bindTrustPolicy(
  { records, home }: IamScope,
  text: string,
): Promise<BoundPolicy> {
  assertTrustPolicy(text)
  const place = { partition: home.partition, home: home.accountId }
  const binding = await bindPrincipals(records, text, place)
  if (binding.bound !== undefined) return binding.bound
  const { kind, text: principal } = binding.invalid
  throw malformedPolicy(`Invalid principal in policy: "${kind.toUpperCase()}":"${principal}"`)
}

/** The trust policy as replies have it: principals that are gone are shown by their ids. */
async function shownTrustPolicy({ records, home }: IamScope, role: Role): Promise<string> {
  const shown = await shownPolicy(records, role.trustPolicy, home.partition)
  return encodedPolicy(shown === undefined ? role.trustPolicy.text : JSON.stringify(shown))
}

/** A role as listings show it. */
export async function listedRole(scope: IamScope, role: Role): Promise<ShownRole> {
  return {
    Path: role.path,
    RoleName: role.name,
    RoleId: role.roleId,
    Arn: roleArn(scope.home.partition, role),
    CreateDate: role.createdAt,
    AssumeRolePolicyDocument: await shownTrustPolicy(scope, role),
    Description: role.description === '' ? undefined : role.description,
    MaxSessionDuration: role.maxSessionSeconds,
  }
}

/** When and where a session of the role was used last. */
export async function roleLastUse({ records, uses }: IamScope, { roleId }: Role) {
  const use = await uses.lastUse(records, roleId)
  return use === undefined ? {} : { LastUsedDate: use.time, Region: use.region }
}

/** A role that was just made, with boundary and tags: nothing has used it. */
export const shownNewRole = async (scope: IamScope, role: Role): Promise<ShownRole> => ({
  ...(await listedRole(scope, role)),
  ...shownBoundary(role.boundaryArn),
  ...shownTagsIfAny(role.tags),
})

/** A role with boundary, tags and last use. */
export const shownRole = async (scope: IamScope, role: Role): Promise<ShownRole> => ({
  ...(await shownNewRole(scope, role)),
  RoleLastUsed: await roleLastUse(scope, role),
})

/** The boundary of the role whose policies an operation changes. */
export const roleBoundary = (_input: object, role: Role | undefined): Conditions => ({
  serviceKeys: boundaryKey(role?.boundaryArn),
})
