import type { User } from '../../core/identity.ts'
import { userArn } from '../../core/identity-arns.ts'
import { findUser } from '../../identity/principal-ids.ts'
import { boundaryKey, shownBoundary } from './boundaries.ts'
import {
  type Conditions,
  defineEntityOperation,
  type EntityDefinition,
  type EntityKind,
  type OperationNaming,
} from './entity-operations.ts'
import type { Effects, Home } from './iam-operation.ts'
import type { User as ShownUser } from './model.ts'
import { userNotFound } from './refusals.ts'
import { shownTagsIfAny } from './tags.ts'

export const USER: EntityKind<User> = {
  find: ({ records, home }, name) => findUser(records, home.accountId, name),
  arnOf: ({ partition }, user) => userArn(partition, user),
  arnOfNone: ({ partition, accountId }, name) => userArn(partition, { accountId, name, path: '/' }),
  notFound: userNotFound,
  label: 'user',
  tagsOf: (user) => user.tags,
}

/** Defines an operation on the user that `UserName` names. */
export const defineUserOperation = <
  Name extends OperationNaming<'UserName'>,
  Effect extends keyof Effects,
  Prepared = undefined,
>(
  definition: EntityDefinition<Name, Effect, User, Prepared>,
) => defineEntityOperation(USER, (input) => input.UserName, definition)

/** A user as listings show it. */
export const listedUser = ({ partition }: Home, user: User): ShownUser => ({
  Path: user.path,
  UserName: user.name,
  UserId: user.userId,
  Arn: userArn(partition, user),
  CreateDate: user.createdAt,
})

/** A user with boundary and tags. */
export const shownUser = (home: Home, user: User): ShownUser => ({
  ...listedUser(home, user),
  ...shownBoundary(user.boundaryArn),
  ...shownTagsIfAny(user.tags),
})

/** The boundary of the user whose policies an operation changes. */
export const userBoundary = (_input: object, user: User | undefined): Conditions => ({
  serviceKeys: boundaryKey(user?.boundaryArn),
})
