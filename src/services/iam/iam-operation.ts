import type { Permission } from '../../authz/permission.ts'
import type { AccountId } from '../../core/ids.ts'
import { type Partition, partitionOf } from '../../core/regions.ts'
import type { IdentityUses } from '../../identity/identity-uses.ts'
import { auditStructure } from '../../pipeline/audit-structure.ts'
import type { Call } from '../../pipeline/call.ts'
import type { JsonObject, Operation, Scope, WriteScope } from '../../pipeline/operation.ts'
import { compileOwnPatterns } from '../../pipeline/own-patterns.ts'
import type { PageMarkers } from '../../pipeline/page-markers.ts'
import { IAM_MODEL, type Inputs, type OperationName, type Outputs } from './model.ts'

/** What a handler of IAM may touch besides the records. */
export interface IamScope extends Scope {
  readonly markers: PageMarkers
  readonly uses: Pick<IdentityUses, 'lastUse'>
  readonly home: Home
}

/** As `IamScope`, inside the transaction of an operation with effect `write`. */
export interface IamWriteScope extends IamScope, WriteScope {}

/** Whose identities a call is about: IAM knows no Region, but ARNs tell the partition. */
export interface Home {
  readonly accountId: AccountId
  readonly partition: Partition
}

export const homeOf = ({ accountId, region }: Call): Home => ({
  accountId,
  partition: partitionOf(region),
})

export interface Effects {
  read: IamScope
  write: IamWriteScope
}

/** What every operation of IAM says; the members with a default may be left out. */
export interface Definition<
  Name extends OperationName,
  Effect extends keyof Effects,
  Target,
  Prepared,
> {
  readonly name: Name
  readonly effect: Effect
  check?(input: Inputs[Name]): void
  /** Ids and secrets, which are drawn before the transaction. */
  prepare?(input: Inputs[Name], scope: IamScope): Prepared
  resolve(input: Inputs[Name], scope: IamScope): Target | Promise<Target>
  permissions(input: Inputs[Name], target: Target, home: Home): Iterable<Permission>
  admit?(input: Inputs[Name], target: Target): void
  handle(
    input: Inputs[Name],
    target: Target,
    scope: Effects[Effect],
    prepared: Prepared,
  ): Outputs[Name] | Promise<Outputs[Name]>
}

/**
 * Defines one operation of IAM: binds its types to the service model. Its record has the members of the
 * request and, of a change, those of the reply; never what the model marks sensitive.
 */
export function defineOperation<
  Name extends OperationName,
  Effect extends keyof Effects,
  Target,
  Prepared = undefined,
>(
  definition: Definition<Name, Effect, Target, Prepared>,
): Operation<Inputs[Name], Outputs[Name], Target, Prepared> {
  const { name, effect } = definition
  const model = IAM_MODEL.operations.get(name)
  if (model === undefined) throw new TypeError(`the service model has no ${name}`)
  const assertOwnPatterns = compileOwnPatterns(model.input)
  const elements = (output: Outputs[Name] | undefined): JsonObject | null =>
    effect === 'read' || model.output === undefined || typeof output !== 'object'
      ? null
      : auditStructure(model.output, output)
  return {
    name,
    model,
    effect,
    readOnly: effect === 'read',
    check(input) {
      assertOwnPatterns(input)
      definition.check?.(input)
    },
    // The pipeline's scope is the one that this service has opened. Without `prepare` the type parameter
    // has its default, `undefined`.
    prepare: (input, scope) => definition.prepare?.(input, scope as IamScope) as Prepared,
    resolve: (input, scope) => definition.resolve(input, scope as IamScope),
    permissions: (input, target, { call }) => definition.permissions(input, target, homeOf(call)),
    drawsMaterial: false,
    authorizesFirst: false,
    screen: () => undefined,
    admit: (input, target) => definition.admit?.(input, target),
    isDryRun: () => false,
    rehearse: () => undefined,
    // As above; the pipeline opens a scope with a transaction for what has the effect `write`.
    handle: (input, target, scope, prepared) =>
      definition.handle(input, target, scope as Effects[Effect], prepared),
    resources: () => [],
    audit: (input, _target, output) => ({
      requestParameters: auditStructure(model.input, input),
      responseElements: elements(output),
    }),
  }
}

/** A listing of an account, which is about nothing in particular: `*` in policies. */
export const defineListing = <Name extends OperationName>(definition: {
  readonly name: Name
  /** What a denial calls that which is listed; `*` where it is left out. */
  shownAs?(home: Home): string
  handle(input: Inputs[Name], scope: IamScope): Outputs[Name] | Promise<Outputs[Name]>
}): Operation<Inputs[Name], Outputs[Name], undefined, undefined> =>
  defineOperation<Name, 'read', undefined>({
    name: definition.name,
    effect: 'read',
    resolve: () => undefined,
    permissions: (_input, _target, home) => [
      { action: `iam:${definition.name}`, shownAs: definition.shownAs?.(home) },
    ],
    handle: (input, _target, scope) => definition.handle(input, scope),
  })
