import type { Permission } from '../../authz/permission.ts'
import type { StructureShape } from '../../core/model.ts'
import type { Sessions } from '../../identity/sessions.ts'
import { auditStructure } from '../../pipeline/audit-structure.ts'
import type { Call } from '../../pipeline/call.ts'
import type {
  AuditResource,
  JsonObject,
  Operation,
  Scope,
  UnsignedCall,
} from '../../pipeline/operation.ts'
import type { Identity } from '../../pipeline/service.ts'
import type { AuthorizationMessages } from './authorization-messages.ts'
import { type Inputs, type OperationName, type Outputs, STS_MODEL } from './model.ts'
import type { RoleTargets } from './role-targets.ts'

/** What a handler of STS may touch besides the records. */
export interface StsScope extends Scope {
  readonly sessions: Sessions
  readonly messages: AuthorizationMessages
  readonly roles: RoleTargets
  /** Whether a root may assume roles: where access key ids that were never issued stand for roots. */
  readonly rootAssumesRoles: boolean
}

/** What every operation of STS says; the members with a default may be left out. */
interface Definition<Name extends OperationName, Target> {
  readonly name: Name
  identify?(input: Inputs[Name], where: UnsignedCall): Promise<Identity>
  check?(input: Inputs[Name], call: Call): void
  resolve(input: Inputs[Name], scope: StsScope): Target | Promise<Target>
  permissions(input: Inputs[Name], target: Target, scope: StsScope): Iterable<Permission>
  admit?(input: Inputs[Name], target: Target, call: Call): void
  handle(
    input: Inputs[Name],
    target: Target,
    scope: StsScope,
  ): Outputs[Name] | Promise<Outputs[Name]>
  resources?(target: Target): readonly AuditResource[]
  /** Members of the record that stand in no request. */
  incoming?(target: Target): JsonObject
}

/**
 * What records show of a reply: of those with credentials everything but what is secret, of others nothing. AWS's
 * have the session token as well, which ours leave out with the secret.
 */
function shownElements(shape: StructureShape, output: object): JsonObject | null {
  if (!('Credentials' in output) || typeof output.Credentials !== 'object') return null
  const Credentials = { ...output.Credentials, SessionToken: undefined }
  return auditStructure(shape, { ...output, Credentials })
}

/**
 * Defines one operation of STS: binds its types to the service model. None changes anything: what they give
 * is in their reply. Records have the members of the request and the reply, never a secret or a token.
 */
export function defineOperation<Name extends OperationName, Target>(
  definition: Definition<Name, Target>,
): Operation<Inputs[Name], Outputs[Name], Target, undefined> {
  const { name, identify } = definition
  const model = STS_MODEL.operations.get(name)
  if (model === undefined) throw new TypeError(`the service model has no ${name}`)
  const outputShape = model.output
  return {
    name,
    model,
    effect: 'read',
    readOnly: true,
    ...(identify && { identify }),
    check: definition.check ?? (() => undefined),
    prepare: () => undefined,
    drawsMaterial: false,
    authorizesFirst: false,
    // The pipeline's scope is the one that this service has opened.
    resolve: (input, scope) => definition.resolve(input, scope as StsScope),
    permissions: (input, target, scope) => definition.permissions(input, target, scope as StsScope),
    screen: () => undefined,
    admit: definition.admit ?? (() => undefined),
    isDryRun: () => false,
    rehearse: () => undefined,
    // As above.
    handle: (input, target, scope) => definition.handle(input, target, scope as StsScope),
    resources: (target) => definition.resources?.(target) ?? [],
    audit: (input, target, output) => ({
      requestParameters: {
        ...auditStructure(model.input, input),
        ...(target !== undefined && definition.incoming?.(target)),
      },
      responseElements:
        outputShape === undefined || output === undefined
          ? null
          : shownElements(outputShape, output),
    }),
  }
}
