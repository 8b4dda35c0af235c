import type { TrailStatus } from '../../audit/trail/trail-status.ts'
import type { Permission } from '../../authz/permission.ts'
import type { AuditSearch } from '../../core/audit-search.ts'
import type { Instant, Region } from '../../core/ids.ts'
import { auditStructure } from '../../pipeline/audit-structure.ts'
import type { Operation, Scope } from '../../pipeline/operation.ts'
import type { PageMarkers } from '../../pipeline/page-markers.ts'
import { CLOUDTRAIL_MODEL, type Inputs, type OperationName, type Outputs } from './model.ts'

/** A key that signs digests, or has signed some. */
export interface DigestKey {
  /** PKCS#1 DER, base64. */
  readonly value: string
  readonly fingerprint: string
  readonly validFrom: Instant
  readonly validTo: Instant
}

/** What is told of the trails of a node. */
export interface TrailFacts {
  /** The keys whose validity and `[from, to]` have an instant in common. */
  digestKeys(from: Instant, to: Instant): Promise<readonly DigestKey[]>
  status(accountId: string): Promise<TrailStatus>
}

/** What a handler of CloudTrail may touch besides the records. */
export interface CloudTrailScope extends Scope {
  readonly search: AuditSearch
  readonly trails: TrailFacts
  readonly markers: PageMarkers
  /** The Region that trails were made in: the node's. */
  readonly homeRegion: Region
}

/** What every operation of CloudTrail says. */
interface Definition<Name extends OperationName, Target> {
  readonly name: Name
  /** Whether it would change a trail; none of them does. */
  readonly isChange?: boolean
  check?(input: Inputs[Name]): void
  resolve(input: Inputs[Name], scope: CloudTrailScope): Target
  permissions(input: Inputs[Name], target: Target, scope: CloudTrailScope): Iterable<Permission>
  handle(
    input: Inputs[Name],
    target: Target,
    scope: CloudTrailScope,
  ): Outputs[Name] | Promise<Outputs[Name]>
}

/** Defines one operation of CloudTrail: binds its types to the service model. Records have the members of the request. */
export function defineOperation<Name extends OperationName, Target>(
  definition: Definition<Name, Target>,
): Operation<Inputs[Name], Outputs[Name], Target, undefined> {
  const { name, isChange = false } = definition
  const model = CLOUDTRAIL_MODEL.operations.get(name)
  if (model === undefined) throw new TypeError(`the service model has no ${name}`)
  return {
    name,
    model,
    effect: 'read',
    readOnly: !isChange,
    check: (input) => definition.check?.(input),
    prepare: () => undefined,
    drawsMaterial: false,
    authorizesFirst: false,
    // The pipeline's scope is the one that this service has opened.
    resolve: (input, scope) => definition.resolve(input, scope as CloudTrailScope),
    // As above.
    permissions: (input, target, scope) =>
      definition.permissions(input, target, scope as CloudTrailScope),
    screen: () => undefined,
    admit: () => undefined,
    isDryRun: () => false,
    rehearse: () => undefined,
    // As above.
    handle: (input, target, scope) => definition.handle(input, target, scope as CloudTrailScope),
    resources: () => [],
    audit: (input) => ({ requestParameters: auditStructure(model.input, input) }),
  }
}
