import type { CallFacts, ElsewhereFacts, FrameWriter, SharedFacts } from '../audit/event.ts'
import { SERVICE_ACCOUNT } from '../core/ids.ts'
import type { Clock, Random } from '../core/ports.ts'
import type { HttpRequest } from '../core/transport.ts'
import type { Call } from './call.ts'
import type { PublicError } from './codec.ts'
import type { DecisionRecords } from './decision-record.ts'
import type {
  AnyOperation,
  AuditDetail,
  AuditResource,
  RecordElsewhere,
  ServiceEvent,
} from './operation.ts'
import type { ClaimedAccessKeyId, Service } from './service.ts'
import type { Trace } from './stages.ts'

/** What records are made with. */
export interface RecordingParts {
  readonly claimedAccessKeyId: ClaimedAccessKeyId
  readonly decisions: DecisionRecords
  readonly frames: FrameWriter
  readonly clock: Clock
  readonly random: Random
}

/** Longer names than any operation's are cut before they are recorded. */
export const RECORDED_NAME_MAX = 128

/** One call on its way: what is known of it so far decides what can be recorded of it. */
export interface Progress {
  readonly requestId: string
  readonly service: Service
  operationName: string
  call: Call | undefined
  operation: AnyOperation | undefined
  /** Present once the shape has been checked. */
  input: Record<string, unknown> | undefined
  readonly trace: Trace
  /** Steady time, for whoever watches calls. Unit: milliseconds. */
  readonly startedMs: number
  /** What the client is told, once the call has failed. */
  failure: PublicError | undefined
}

/** A call that came over the network. */
export interface RequestProgress extends Progress {
  readonly request: HttpRequest
}

/** The frame of what the service did by itself in the course of a call. */
export function eventFrame(
  parts: RecordingParts,
  { service, call }: Progress,
  event: ServiceEvent,
): string {
  return parts.frames.serviceEvent({
    eventId: parts.random.uuid(),
    time: call?.time ?? parts.clock.now(),
    accountId: event.accountId,
    region: event.region,
    eventSource: service.eventSource,
    eventName: event.name,
    resources: event.resources,
    serviceEventDetailsJson: event.details && JSON.stringify(event.details),
    ownCall: event.responseElements && {
      requestId: parts.random.uuid(),
      responseElementsJson: JSON.stringify(event.responseElements),
    },
  })
}

export function refusalFrame(
  parts: RecordingParts,
  progress: RequestProgress,
  error: PublicError,
): string {
  return parts.frames.refusal({
    requestId: progress.requestId,
    time: parts.clock.now(),
    service: progress.service.name,
    operation: progress.operationName.slice(0, RECORDED_NAME_MAX),
    accessKeyId: parts.claimedAccessKeyId(progress.request).slice(0, RECORDED_NAME_MAX),
    connection: progress.request.connection,
    code: error.code,
  })
}

const NOTHING_TO_ADD: AuditDetail = { requestParameters: null }

/**
 * What the operation adds to the record. Of a failed call that is the request alone: nothing has come
 * of it, and a caller who was denied must not learn from its own records what another account has.
 */
function auditDetail(
  { input, trace }: Progress,
  operation: AnyOperation,
  output: object | undefined,
  error: PublicError | undefined,
): AuditDetail {
  if (input === undefined || error?.code === 'ValidationException') return NOTHING_TO_ADD
  // `input`, `target` and `output` all come from this operation's own members.
  if (error === undefined) return operation.audit(input as never, trace.target, output)
  const { requestParameters } = operation.audit(input as never, undefined, undefined)
  return { requestParameters }
}

/** CloudTrail's limits on members of a record. Unit: bytes. Source: AWS CloudTrail User Guide, record contents. */
const REQUEST_PARAMETERS_MAX = 102_400
const RESPONSE_ELEMENTS_MAX = 102_400
const ADDITIONAL_EVENT_DATA_MAX = 28_672

/** No UTF-16 code unit takes more. Unit: bytes. */
const BYTES_PER_UNIT = 3

/** Measured only where it can be too long: this is on every call's path. */
const isWithin = (json: string, bytesMax: number): boolean =>
  json.length * BYTES_PER_UNIT <= bytesMax || Buffer.byteLength(json) <= bytesMax

/** The request's parameters as JSON: null where there is nothing to record, or too much. */
function recordedParameters({ requestParameters }: Pick<AuditDetail, 'requestParameters'>): string {
  const json = JSON.stringify(requestParameters)
  return json === '{}' || !isWithin(json, REQUEST_PARAMETERS_MAX) ? 'null' : json
}

/** As `recordedParameters`, of what the reply had. */
function recordedElements({ responseElements }: Pick<AuditDetail, 'responseElements'>): string {
  const json = JSON.stringify(responseElements ?? null)
  return json === '{}' || !isWithin(json, RESPONSE_ELEMENTS_MAX) ? 'null' : json
}

/** Absent where there is nothing to add, or too much. */
function recordedAddition({ additionalEventData }: AuditDetail): string | undefined {
  if (additionalEventData === undefined) return undefined
  const json = JSON.stringify(additionalEventData)
  return isWithin(json, ADDITIONAL_EVENT_DATA_MAX) ? json : undefined
}

/** Who called: the user, and the service that passed the call on, where one did. */
function userIdentityJson({ caller, via }: Call): string {
  const service = via?.calledVia.at(-1)
  if (service === undefined) return caller.userIdentityJson
  return `${caller.userIdentityJson.slice(0, -1)},"invokedBy":"${service}"}`
}

/** What the audit frame of an authenticated call is made of, successful or not. */
export function callFacts(
  parts: RecordingParts,
  progress: Progress,
  output: object | undefined,
  error: PublicError | undefined,
): CallFacts {
  const { call, operation, service, requestId, trace } = progress
  if (call === undefined || operation === undefined) throw new TypeError('no call to record')
  const detail = auditDetail(progress, operation, output, error)
  const resources = recordedResources(progress, operation, output)
  return {
    eventId: parts.random.uuid(),
    requestId,
    time: call.time,
    accountId: call.accountId,
    region: call.region,
    eventSource: service.eventSource,
    eventName: operation.name,
    accessKeyId: call.caller.accessKeyId,
    userIdentityJson: userIdentityJson(call),
    userAgent: call.userAgent,
    host: call.host,
    connection: call.connection,
    readOnly: operation.readOnly,
    isDataEvent: operation.isDataEvent,
    requestParametersJson: recordedParameters(detail),
    responseElementsJson: recordedElements(detail),
    additionalEventDataJson: recordedAddition(detail),
    resources,
    error: error === undefined ? undefined : { code: error.code, message: error.publicMessage },
    decidedJson: parts.decisions.jsonOf(trace.decided),
    elsewhere: detail.elsewhere && elsewhereFacts(parts, detail.elsewhere),
    shared: isForeign(call, resources) ? sharedFacts(parts, call, resources) : undefined,
  }
}

/** Whether a call was about something that is not in its account. On every call's path. */
function isForeign({ accountId }: Call, resources: readonly AuditResource[]): boolean {
  for (const resource of resources) if (resource.accountId !== accountId) return true
  return false
}

/** Who else the call is recorded for. */
function sharedFacts(
  { random }: RecordingParts,
  call: Call,
  resources: readonly AuditResource[],
): SharedFacts | undefined {
  const owners = new Set(resources.map(({ accountId }) => accountId))
  owners.delete(call.accountId)
  // A key that is a service's own has an owner who keeps no log.
  owners.delete(SERVICE_ACCOUNT)
  if (owners.size === 0) return undefined
  return {
    sharedEventId: random.uuid(),
    userIdentityJson: identityForOwners(call),
    copies: [...owners].map((accountId) => ({ eventId: random.uuid(), accountId })),
  }
}

/** A caller as other accounts see it: by account and unique id alone. A service is no secret. */
function identityForOwners(call: Call): string {
  const { caller, via } = call
  if (caller.principal.type === 'Service') return userIdentityJson(call)
  return JSON.stringify({
    type: 'AWSAccount',
    principalId: caller.userId,
    accountId: caller.accountId,
    invokedBy: via?.calledVia.at(-1),
  })
}

function elsewhereFacts(parts: RecordingParts, record: RecordElsewhere): ElsewhereFacts {
  return {
    eventId: parts.random.uuid(),
    region: record.region,
    eventName: record.eventName,
    requestParametersJson: recordedParameters(record),
    responseElementsJson: recordedElements(record),
    resources: record.resources,
  }
}

/** A caller must not learn from its own records what another account has, before it may do something with it. */
function recordedResources(
  { trace, call }: Progress,
  operation: AnyOperation,
  output: object | undefined,
): readonly AuditResource[] {
  // What has neither been found nor made is no resource of the call.
  if (trace.target === undefined && output === undefined) return []
  // Both come from this operation's own members.
  const resources = operation.resources(trace.target, output)
  if (trace.isAuthorized) return resources
  return resources.filter(({ accountId }) => accountId === call?.accountId)
}
