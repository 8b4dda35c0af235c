import type { TrailObjects } from '../../audit/trail/trail-objects.ts'
import type { Permission } from '../../authz/permission.ts'
import type { Instant, Region } from '../../core/ids.ts'
import type { AuditResource, Json, JsonObject, Operation, Scope } from '../../pipeline/operation.ts'
import type { PageMarkers } from '../../pipeline/page-markers.ts'
import { type Inputs, type OperationName, type Outputs, S3_MODEL } from './model.ts'

/** What a handler of S3 may touch besides the records. */
export interface S3Scope extends Scope {
  readonly objects: TrailObjects
  readonly markers: PageMarkers
  /** Where the buckets are. */
  readonly homeRegion: Region
  /** Since when an account has its bucket. */
  bucketSince(accountId: string): Promise<Instant | undefined>
}

/** What every operation of S3 says. */
interface Definition<Name extends OperationName, Target> {
  readonly name: Name
  /** Whether CloudTrail counts it among the data events. Source: Amazon S3 User Guide, CloudTrail events. */
  readonly isDataEvent: boolean
  /** Whether it would change something; none of them does. */
  readonly isChange?: boolean
  resolve(input: Inputs[Name], scope: S3Scope): Target | Promise<Target>
  permissions(input: Inputs[Name], target: Target): Iterable<Permission>
  resources?(target: Target): readonly AuditResource[]
  handle(
    input: Inputs[Name],
    target: Target,
    scope: S3Scope,
  ): Outputs[Name] | Promise<Outputs[Name]>
}

/** Labels of paths as records have them. */
const RECORDED_LABELS: ReadonlyMap<string, string> = new Map([
  ['Bucket', 'bucketName'],
  ['Key', 'key'],
])

/** Bucket, key and query parameters, as records of S3 have them. */
function recordedParameters(name: OperationName, input: object): JsonObject {
  const shown: Record<string, Json> = {}
  const given: ReadonlyMap<string, unknown> = new Map(Object.entries(input))
  for (const [member, place] of S3_MODEL.operations.get(name)?.rest?.input ?? []) {
    const value = given.get(member)
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
      continue
    const called = place.in === 'query' ? place.name : RECORDED_LABELS.get(place.name)
    if (called !== undefined) shown[called] = String(value)
  }
  return shown
}

/** Defines one operation of S3: binds its types to the service model. None changes anything. */
export function defineOperation<Name extends OperationName, Target>(
  definition: Definition<Name, Target>,
): Operation<Inputs[Name], Outputs[Name], Target, undefined> {
  const { name, isDataEvent, isChange = false } = definition
  const model = S3_MODEL.operations.get(name)
  if (model === undefined) throw new TypeError(`the service model has no ${name}`)
  return {
    name,
    model,
    effect: 'read',
    readOnly: !isChange,
    isDataEvent,
    check: () => undefined,
    prepare: () => undefined,
    drawsMaterial: false,
    authorizesFirst: false,
    // The pipeline's scope is the one that this service has opened.
    resolve: (input, scope) => definition.resolve(input, scope as S3Scope),
    permissions: (input, target) => definition.permissions(input, target),
    screen: () => undefined,
    admit: () => undefined,
    isDryRun: () => false,
    rehearse: () => undefined,
    // As above.
    handle: (input, target, scope) => definition.handle(input, target, scope as S3Scope),
    resources: (target) => (target === undefined ? [] : (definition.resources?.(target) ?? [])),
    audit: (input) => ({ requestParameters: recordedParameters(name, input) }),
  }
}
