import type { ConditionValue } from '../../authz/access-request.ts'
import type { Permission } from '../../authz/permission.ts'
import type { ServiceError } from '../../core/errors.ts'
import type { Tags } from '../../core/identity.ts'
import type { Stored } from '../../core/records.ts'
import type { Operation } from '../../pipeline/operation.ts'
import {
  type Definition,
  defineOperation,
  type Effects,
  type Home,
  type IamScope,
} from './iam-operation.ts'
import type { Inputs, OperationName, Outputs, Tag } from './model.ts'
import { givenTags } from './tags.ts'

/** A kind of thing that requests name. */
export interface EntityKind<R> {
  /** @throws ServiceError for a text that cannot name one */
  find(scope: IamScope, given: string): Promise<Stored<R> | undefined>
  arnOf(home: Home, record: R): string
  /** What a permission is asked for where there is none of the name: nobody else learns that there is none. */
  arnOfNone(home: Home, given: string): string
  notFound(given: string): ServiceError
  /** What a denial calls one, in front of its name; nothing where it is called by its ARN alone. */
  readonly label: 'user' | 'group' | 'role' | 'policy' | 'instance profile' | ''
  tagsOf(record: R): Tags | undefined
}

/** What a request names, found or not. */
export interface Target<R> {
  readonly given: string
  readonly arn: string
  readonly stored: Stored<R> | undefined
  /** What the request names besides, where its operation asks for a permission on that too. */
  readonly besides?: PermittedEntity
}

/** What a request names, and there is. */
export interface Entity<R> {
  readonly arn: string
  readonly stored: Stored<R>
}

/** What conditions may look at besides the entity itself. */
export interface Conditions {
  readonly requestTags?: Tags | undefined
  readonly tagKeys?: readonly string[] | undefined
  /** IAM's own keys, by lower-case name. */
  readonly serviceKeys?: ReadonlyMap<string, ConditionValue> | undefined
}

/** What a permission is asked for. */
export interface PermittedEntity {
  readonly arn: string
  readonly tags?: Tags | undefined
  /** `user alice`. Source: denials of AWS IAM as clients report them. */
  readonly shownAs?: string | undefined
}

const RESOURCE_TAG = 'iam:resourcetag/'

/** `iam:ResourceTag/…`, IAM's own name of `aws:ResourceTag/…`; neither tells the case of a tag's key. */
function resourceTag(tags: Tags | undefined, name: string): string | undefined {
  if (tags === undefined || !name.startsWith(RESOURCE_TAG)) return undefined
  const lowerKey = name.slice(RESOURCE_TAG.length)
  return Object.entries(tags).find(([key]) => key.toLowerCase() === lowerKey)?.[1]
}

/** The permission to do something to one thing of the caller's account. */
export function entityPermission(
  action: string,
  { accountId }: Home,
  { arn, tags, shownAs }: PermittedEntity,
  { requestTags, tagKeys, serviceKeys }: Conditions = {},
): Permission {
  return {
    action,
    resource: { accountId, arn, tags },
    shownAs,
    requestTags,
    tagKeys,
    serviceKey: (name) => serviceKeys?.get(name) ?? resourceTag(tags, name),
  }
}

/** Permissions to make something; what is made with tags takes the permission to tag it, too. */
export function* creationPermissions(
  [create, tag]: readonly [create: string, tag: string],
  home: Home,
  made: Pick<Conditions, 'serviceKeys'> & {
    readonly arn: string
    readonly shownAs: string
    readonly tags?: readonly Tag[] | undefined
  },
): Iterable<Permission> {
  const conditions = { requestTags: givenTags(made.tags), serviceKeys: made.serviceKeys }
  const { arn, shownAs } = made
  yield entityPermission(create, home, { arn, shownAs }, conditions)
  if (made.tags !== undefined && made.tags.length > 0) {
    yield entityPermission(tag, home, { arn, shownAs }, conditions)
  }
}

export async function findTarget<R>(
  kind: EntityKind<R>,
  given: string,
  scope: IamScope,
): Promise<Target<R>> {
  const stored = await kind.find(scope, given)
  const { home } = scope
  const arn = stored === undefined ? kind.arnOfNone(home, given) : kind.arnOf(home, stored.record)
  return { given, arn, stored }
}

/** An entity that a request names besides the one it is about. @throws ServiceError NoSuchEntityException */
export async function getEntity<R>(
  kind: EntityKind<R>,
  given: string,
  scope: IamScope,
): Promise<Entity<R>> {
  const target = await findTarget(kind, given, scope)
  assertFound(kind, target)
  return target
}

function assertFound<R>(
  kind: EntityKind<R>,
  target: Target<R>,
): asserts target is Target<R> & Entity<R> {
  if (target.stored === undefined) throw kind.notFound(target.given)
}

/** What an operation on one entity says: how it is found, authorized and missed is the kind's affair. */
export interface EntityDefinition<
  Name extends OperationName,
  Effect extends keyof Effects,
  R,
  Prepared,
> extends Omit<
    Definition<Name, Effect, Target<R>, Prepared>,
    'resolve' | 'permissions' | 'admit' | 'handle'
  > {
  /** @param record absent where the entity is not there */
  conditions?(input: Inputs[Name], record: R | undefined): Conditions
  /** Finds what the request names besides, for `morePermissions`. */
  besides?(input: Inputs[Name], scope: IamScope): Promise<PermittedEntity>
  /** Permissions that the operation asks for after its own. */
  morePermissions?(input: Inputs[Name], target: Target<R>, home: Home): Iterable<Permission>
  handle(
    input: Inputs[Name],
    entity: Entity<R>,
    scope: Effects[Effect],
    prepared: Prepared,
  ): Outputs[Name] | Promise<Outputs[Name]>
}

/** Defines an operation on the one entity that a member of its input names. */
export function defineEntityOperation<
  Name extends OperationName,
  Effect extends keyof Effects,
  R,
  Prepared,
>(
  kind: EntityKind<R>,
  nameOf: (input: Inputs[Name]) => string,
  definition: EntityDefinition<Name, Effect, R, Prepared>,
): Operation<Inputs[Name], Outputs[Name], Target<R>, Prepared> {
  const { name, conditions, besides, morePermissions, handle, ...rest } = definition
  return defineOperation<Name, Effect, Target<R>, Prepared>({
    ...rest,
    name,
    async resolve(input, scope) {
      const target = await findTarget(kind, nameOf(input), scope)
      return besides === undefined ? target : { ...target, besides: await besides(input, scope) }
    },
    *permissions(input, target, home) {
      const { arn, stored } = target
      const tags = stored && kind.tagsOf(stored.record)
      const shownAs = kind.label === '' ? undefined : `${kind.label} ${target.given}`
      const entity = { arn, tags, shownAs }
      yield entityPermission(`iam:${name}`, home, entity, conditions?.(input, stored?.record))
      yield* morePermissions?.(input, target, home) ?? []
    },
    admit: (_input, target) => assertFound(kind, target),
    handle(input, target, scope, prepared) {
      assertFound(kind, target)
      return handle(input, target, scope, prepared)
    },
  })
}

/** Names of the operations whose input has a member that is a text. */
export type OperationNaming<Member extends string> = {
  [Name in OperationName]: Inputs[Name] extends { readonly [Key in Member]: string } ? Name : never
}[OperationName]
