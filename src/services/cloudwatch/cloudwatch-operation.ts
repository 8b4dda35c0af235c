import type { AuditSearch } from '../../core/audit-search.ts'
import { auditStructure } from '../../pipeline/audit-structure.ts'
import type { Call } from '../../pipeline/call.ts'
import type { Operation, Scope } from '../../pipeline/operation.ts'
import type { PageMarkers } from '../../pipeline/page-markers.ts'
import type { MetricScope } from './metrics/metric-source.ts'
import { CLOUDWATCH_MODEL, type Inputs, type OperationName, type Outputs } from './model.ts'
import { missingParameter } from './refusals.ts'

/** The page markers of one operation's listings. */
export interface CloudWatchMarkers {
  readonly ofList: PageMarkers
  readonly ofData: PageMarkers
}

/** What a handler of CloudWatch may touch besides the records. */
export interface CloudWatchScope extends Scope {
  readonly search: AuditSearch
  readonly markers: CloudWatchMarkers
}

/** The metrics that a call may see: its own account's in its Region. */
export const metricScopeOf = ({ call, records, search }: CloudWatchScope): MetricScope => ({
  place: { accountId: call.accountId, region: call.region },
  records,
  search,
  now: call.time,
})

interface Definition<Name extends OperationName> {
  readonly name: Name
  /** As of `Operation`. */
  readonly isDataEvent?: boolean
  /** Members whose absence the operation itself refuses, in its own words. */
  readonly needs?: readonly (keyof Inputs[Name] & string)[]
  check?(input: Inputs[Name], call: Call): void
  handle(input: Inputs[Name], scope: CloudWatchScope): Promise<Outputs[Name]>
}

/** Defines one operation of CloudWatch: all of them read, and need one permission on no resource in particular. */
export function defineOperation<Name extends OperationName>(
  definition: Definition<Name>,
): Operation<Inputs[Name], Outputs[Name], undefined, undefined> {
  const { name, needs = [], isDataEvent = false } = definition
  const found = CLOUDWATCH_MODEL.operations.get(name)
  if (found === undefined) throw new TypeError(`the service model has no ${name}`)
  const required = found.input.required.filter((member) => !needs.some((own) => own === member))
  const model = { ...found, input: { ...found.input, required } }
  return {
    name,
    model,
    effect: 'read',
    readOnly: true,
    isDataEvent,
    check(input, call) {
      for (const member of needs) if (input[member] === undefined) throw missingParameter(member)
      definition.check?.(input, call)
    },
    prepare: () => undefined,
    drawsMaterial: false,
    authorizesFirst: true,
    resolve: () => undefined,
    permissions: () => [{ action: `cloudwatch:${name}` }],
    screen: () => undefined,
    admit: () => undefined,
    isDryRun: () => false,
    rehearse: () => undefined,
    // The pipeline's scope is the one that this service has opened.
    handle: (input, _target, scope) => definition.handle(input, scope as CloudWatchScope),
    resources: () => [],
    audit: (input) => ({ requestParameters: auditStructure(model.input, input) }),
  }
}
