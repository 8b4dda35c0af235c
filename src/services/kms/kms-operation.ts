import type { Permission } from '../../authz/permission.ts'
import type { KeyUsage } from '../../core/key-specs.ts'
import type { KeyStore } from '../../core/key-store.ts'
import type { AttestationVerifier } from '../../crypto/attestation/attestation-verifier.ts'
import type { Call } from '../../pipeline/call.ts'
import type {
  AuditDetail,
  AuditResource,
  Operation,
  Scope,
  WriteScope,
} from '../../pipeline/operation.ts'
import type { PageMarkers } from '../../pipeline/page-markers.ts'
import type { CompiledKeyPolicies } from './authorization/compiled-key-policies.ts'
import type { GrantIndex } from './authorization/grant-index.ts'
import { type KeyDemand, keyPermission } from './authorization/key-permission.ts'
import { requestTraits } from './authorization/request-traits.ts'
import { withRecipient } from './cryptography/recipient.ts'
import { assertGrantTokens, type GrantTokens } from './grants/grant-tokens.ts'
import { wrongUsage } from './keys/key-errors.ts'
import { type AcceptedForms, type ResolvedKey, resolveKey } from './keys/key-resolver.ts'
import { type StateRow, stateRefusal } from './keys/key-states.ts'
import type { KeyUsage as LastUses } from './keys/key-usage.ts'
import type { ServiceKeys } from './keys/service-keys.ts'
import type { ImportTokens } from './material/import-tokens.ts'
import {
  type DataKeyPairSpec,
  type Inputs,
  KMS_MODEL,
  type OperationName,
  type Outputs,
} from './model.ts'
import type { RequestQuotas } from './quotas/request-quotas.ts'

/** What a handler of KMS may touch besides the records. */
export interface KmsScope extends Scope {
  readonly keystore: KeyStore
  readonly markers: PageMarkers
  readonly attestation: AttestationVerifier
  readonly grantTokens: GrantTokens
  readonly grantIndex: GrantIndex
  readonly keyPolicies: CompiledKeyPolicies
  readonly lastUses: LastUses
  /** Absent where calls are not limited. */
  readonly quotas: RequestQuotas | undefined
  readonly importTokens: ImportTokens
  readonly serviceKeys: ServiceKeys
}

/** As `KmsScope`, inside the transaction of an operation with effect `write`. */
export interface KmsWriteScope extends KmsScope, WriteScope {}

interface Effects {
  read: KmsScope
  write: KmsWriteScope
}

/** What every KMS operation says; the members with a default may be left out. */
interface Definition<Name extends OperationName, Effect extends keyof Effects, Target, Prepared> {
  readonly name: Name
  readonly effect: Effect
  check?(input: Inputs[Name], call: Call): void
  prepare?(input: Inputs[Name], scope: KmsScope): Prepared | Promise<Prepared>
  /** Whether `prepare` is work that only those who may should cause. */
  readonly drawsMaterial?: boolean
  /** Whether the permissions depend on nothing that is looked up. */
  readonly authorizesFirst?: boolean
  resolve(input: Inputs[Name], scope: KmsScope): Target | Promise<Target>
  permissions(input: Inputs[Name], target: Target, scope: KmsScope): Iterable<Permission>
  /** The keys of the request: grant tokens must be theirs, and rates depend on them. */
  keysOf?(target: Target): readonly ResolvedKey[]
  admit?(input: Inputs[Name], target: Target, call: Call): void
  rehearse?(input: Inputs[Name], target: Target, scope: KmsScope): void | Promise<void>
  handle(
    input: Inputs[Name],
    target: Target,
    scope: Effects[Effect],
    prepared: Prepared,
  ): Outputs[Name] | Promise<Outputs[Name]>
  resources?(target: Target, output: Outputs[Name] | undefined): readonly AuditResource[]
  audit(
    input: Inputs[Name],
    target: Target | undefined,
    output: Outputs[Name] | undefined,
  ): AuditDetail
}

/** The input of an operation that knows dry runs. */
const hasDryRun = (input: object): boolean => 'DryRun' in input && input.DryRun === true

/** What a screening looks at: the members that some inputs have. */
interface Screened {
  readonly GrantTokens?: readonly string[] | undefined
  readonly KeyPairSpec?: DataKeyPairSpec
}

/** Rates that depend on the keys, then grant tokens. @throws ServiceError ThrottlingException, InvalidGrantTokenException */
function screenKeys<Target>(
  keysOf: (target: Target) => readonly ResolvedKey[],
  { input, target, scope }: { input: Screened; target: Target; scope: KmsScope },
): Promise<void> | undefined {
  scope.quotas?.countKeys(scope.call, input, keysOf(target))
  const tokens = input.GrantTokens
  if (tokens === undefined || tokens.length === 0) return undefined
  return assertGrantTokens(tokens, keysOf(target), scope)
}

/** Defines one operation of KMS: binds its types to the service model. */
export function defineOperation<
  Name extends OperationName,
  Effect extends keyof Effects,
  Target,
  Prepared = undefined,
>(
  definition: Definition<Name, Effect, Target, Prepared>,
): Operation<Inputs[Name], Outputs[Name], Target, Prepared> {
  const { name, keysOf } = definition
  const model = KMS_MODEL.operations.get(name)
  if (model === undefined) throw new TypeError(`the service model has no ${name}`)
  return withRecipient({
    name,
    model,
    effect: definition.effect,
    readOnly: definition.effect === 'read',
    check: definition.check ?? (() => undefined),
    // Without `prepare` the type parameter has its default, `undefined`.
    prepare: (definition.prepare ?? (() => undefined)) as Definition<
      Name,
      Effect,
      Target,
      Prepared
    >['prepare'] & {},
    resolve: definition.resolve,
    drawsMaterial: definition.drawsMaterial ?? false,
    authorizesFirst: definition.authorizesFirst ?? false,
    permissions: (input: Inputs[Name], target: Target, scope: Scope) =>
      // The pipeline's scope is the one that this service has opened.
      definition.permissions(input, target, scope as KmsScope),
    // The pipeline's scope is the one that this service has opened.
    screen: (input, target, scope) =>
      keysOf && screenKeys(keysOf, { input, target, scope: scope as KmsScope }),
    admit: definition.admit ?? (() => undefined),
    isDryRun: hasDryRun,
    rehearse: definition.rehearse ?? (() => undefined),
    handle: definition.handle,
    resources: definition.resources ?? (() => []),
    audit: definition.audit,
  })
}

/** A key as audit records list it. */
export const keyResource = (target: ResolvedKey): AuditResource => ({
  accountId: target.key.accountId,
  type: 'AWS::KMS::Key',
  arn: target.arn,
})

/** What an operation on one key says about that key. */
interface KeyRule {
  readonly accepts: AcceptedForms
  readonly states: StateRow
  readonly usage?: KeyUsage
}

interface NamesKey {
  readonly KeyId: string
  readonly GrantTokens?: readonly string[] | undefined
}

/** Names of the operations whose input names their one key as `KeyId`. */
type KeyOperationName = {
  [Name in OperationName]: Inputs[Name] extends NamesKey ? Name : never
}[OperationName]

type KeyDefinition<Name extends KeyOperationName, Effect extends keyof Effects, Prepared> = Omit<
  Definition<Name, Effect, ResolvedKey, Prepared>,
  'resolve' | 'permissions' | 'resources'
> & {
  readonly key: KeyRule
  /** What the permission has beside what every operation on one key asks for. */
  demand?(input: Inputs[Name], target: ResolvedKey, scope: KmsScope): Partial<KeyDemand>
}

/** Defines an operation on the one key that `KeyId` names: resolved, authorized and checked alike everywhere. */
export function defineKeyOperation<
  Name extends KeyOperationName,
  Effect extends keyof Effects,
  Prepared = undefined,
>(
  definition: KeyDefinition<Name, Effect, Prepared>,
): Operation<Inputs[Name], Outputs[Name], ResolvedKey, Prepared> {
  const { name, key } = definition
  const lookup = { operation: name, accepts: key.accepts, hasInvalidArn: knowsInvalidArn(name) }
  return defineOperation<Name, Effect, ResolvedKey, Prepared>({
    ...definition,
    // Every member of KeyOperationName has the two members of NamesKey, by its definition.
    resolve: (input, scope) => {
      const request = () => requestTraits(name, input, scope.call.via !== undefined)
      return resolveKey((input as NamesKey).KeyId, { ...lookup, request }, scope)
    },
    permissions: (input, target, scope) => {
      const request = requestTraits(name, input, scope.call.via !== undefined)
      const demand = definition.demand?.(input, target, scope)
      return [keyPermission({ operation: name, request, ...demand }, target, scope)]
    },
    keysOf: (target) => [target],
    admit(input, target, call) {
      assertKeyFits(name, key, target)
      definition.admit?.(input, target, call)
    },
    resources: (target) => [keyResource(target)],
  })
}

/** Whether the service model lists InvalidArnException among the operation's errors. */
export const knowsInvalidArn = (name: OperationName): boolean =>
  KMS_MODEL.operations.get(name)?.errors.includes('InvalidArnException') ?? false

/** State first, then usage. @throws ServiceError */
export function assertKeyFits(
  operation: string,
  rule: Pick<KeyRule, 'states' | 'usage'>,
  target: ResolvedKey,
): void {
  const refusal = stateRefusal(rule.states, target.key, target.arn)
  if (refusal !== undefined) throw refusal
  if (rule.usage !== undefined && target.key.usage !== rule.usage) {
    throw wrongUsage(target.arn, target.key.usage, operation)
  }
}
