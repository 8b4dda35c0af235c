import { rootArn } from '../../core/arn.ts'
import type { User } from '../../core/identity.ts'
import { userArn } from '../../core/identity-arns.ts'
import { USERS } from '../../core/identity-tables.ts'
import type { Stored } from '../../core/records.ts'
import type { Operation } from '../../pipeline/operation.ts'
import { entityPermission } from './entity-operations.ts'
import {
  type Definition,
  defineOperation,
  type Effects,
  type Home,
  type IamScope,
} from './iam-operation.ts'
import type { Inputs, OperationName, Outputs } from './model.ts'
import { mustNameUser, userNotFound } from './refusals.ts'
import { USER } from './users.ts'

/** The user that a request names, or the caller where it names none; the account's root has no record. */
export type Subject =
  | { readonly kind: 'root'; readonly arn: string }
  | { readonly kind: 'user'; readonly arn: string; readonly stored: Stored<User> }

type MaybeSubject =
  | Subject
  | { readonly kind: 'none'; readonly arn: string; readonly given: string }

async function findSubject(scope: IamScope, given: string | undefined): Promise<MaybeSubject> {
  const { home, call, records } = scope
  if (given !== undefined) {
    const stored = await USER.find(scope, given)
    return stored === undefined
      ? { kind: 'none', arn: USER.arnOfNone(home, given), given }
      : { kind: 'user', arn: userArn(home.partition, stored.record), stored }
  }
  const { type, uniqueId, userName = '' } = call.caller.principal
  if (type === 'Account') return { kind: 'root', arn: rootArn(home.partition, home.accountId) }
  if (type !== 'User') throw mustNameUser()
  const stored = await records.find(USERS, [uniqueId])
  return stored === undefined
    ? { kind: 'none', arn: call.caller.arn, given: userName }
    : { kind: 'user', arn: userArn(home.partition, stored.record), stored }
}

function assertSubject(subject: MaybeSubject): asserts subject is Subject {
  if (subject.kind === 'none') throw userNotFound(subject.given)
}

/** What a denial calls it: the root by its ARN. */
function labelOf(subject: MaybeSubject): string | undefined {
  if (subject.kind === 'root') return undefined
  return `user ${subject.kind === 'none' ? subject.given : subject.stored.record.name}`
}

/** Operations that are about the caller where they name no user. */
type CallerOperationName = {
  [Name in OperationName]: Inputs[Name] extends { readonly UserName?: string | undefined }
    ? Name
    : never
}[OperationName]

/** Defines an operation on the user that `UserName` names, and on the caller where it names none. */
export function defineCallerOperation<
  Name extends CallerOperationName,
  Effect extends keyof Effects,
  Prepared = undefined,
>(
  definition: Omit<
    Definition<Name, Effect, Subject, Prepared>,
    'resolve' | 'permissions' | 'admit'
  >,
): Operation<Inputs[Name], Outputs[Name], MaybeSubject, Prepared> {
  const { name, handle, ...rest } = definition
  return defineOperation<Name, Effect, MaybeSubject, Prepared>({
    ...rest,
    name,
    // Every name of CallerOperationName has the member, by its definition.
    resolve: (input, scope) =>
      findSubject(scope, (input as { readonly UserName?: string | undefined }).UserName),
    permissions: (_input, subject, home: Home) => {
      const tags = subject.kind === 'user' ? subject.stored.record.tags : undefined
      const shownAs = labelOf(subject)
      return [entityPermission(`iam:${name}`, home, { arn: subject.arn, tags, shownAs })]
    },
    admit: (_input, subject) => assertSubject(subject),
    handle(input, subject, scope, prepared) {
      assertSubject(subject)
      return handle(input, subject, scope, prepared)
    },
  })
}
