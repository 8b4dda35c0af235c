import type { CallFacts, ElsewhereFacts, FrameWriter } from '../audit/event.ts'
import { ServiceError } from '../core/errors.ts'
import type { Clock, Log, Random } from '../core/ports.ts'
import type { RecordStore } from '../core/records.ts'
import type { HttpHandler, HttpReply, HttpRequest } from '../core/transport.ts'
import type { AuditTrail } from './audit-trail.ts'
import type { Call } from './call.ts'
import type { PublicError } from './codec.ts'
import type {
  AnyOperation,
  AuditDetail,
  AuditResource,
  RecordElsewhere,
  ServiceEvent,
} from './operation.ts'
import type { RefusalRecorder } from './refusal-recorder.ts'
import { type Authenticate, type ClaimedAccessKeyId, placeOf, type Service } from './service.ts'
import { type Committed, type Prepared, runRead, runWrite, type Trace } from './stages.ts'
import { validate } from './validate.ts'
import { wipe } from './wipe.ts'

export interface PipelineParts {
  /** The service that a request is for, by credential scope, target or action. Never fails. */
  readonly route: (request: HttpRequest) => Service
  readonly authenticate: Authenticate
  readonly claimedAccessKeyId: ClaimedAccessKeyId
  readonly records: RecordStore
  readonly trail: AuditTrail
  readonly refusals: RefusalRecorder
  readonly frames: FrameWriter
  /** Told of each successful call of an operation with effect `read`, once its record is durable. */
  readonly recorded?: ((call: CallFacts) => void) | undefined
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** What the client reads of a failure of ours; the cause is in the operator's log under the request id. */
const INTERNAL_MESSAGE =
  'The request was rejected because of an internal error. The request can be retried.'
/** Longer names than any operation's are cut before they are recorded. */
const RECORDED_NAME_MAX = 128

/** One request on its way: what is known of it so far decides what can be recorded of it. */
interface Progress {
  readonly requestId: string
  readonly request: HttpRequest
  readonly service: Service
  operationName: string
  call: Call | undefined
  operation: AnyOperation | undefined
  /** Present once the shape has been checked. */
  input: Record<string, unknown> | undefined
  readonly trace: Trace
}

/**
 * What happens to every call of every service, in order: parse, find the operation, authenticate, throttle, check
 * the shape, resolve, authorize, check state and usage, handle, audit durably, encode, wipe secrets.
 */
export function createPipeline(parts: PipelineParts): HttpHandler {
  return async (request) => {
    const progress: Progress = {
      requestId: parts.random.uuid(),
      request,
      service: parts.route(request),
      operationName: '',
      call: undefined,
      operation: undefined,
      input: undefined,
      trace: { target: undefined, decision: undefined },
    }
    try {
      return await serve(parts, progress)
    } catch (error) {
      return await refuse(parts, progress, error)
    } finally {
      wipe(progress.input)
    }
  }
}

async function serve(parts: PipelineParts, progress: Progress): Promise<HttpReply> {
  const { service, requestId } = progress
  const prepared = await admit(parts, progress)
  const { operation } = prepared
  if (operation.effect === 'read') {
    const output = await runRead(prepared)
    // Encoded first, so that the plaintext can be wiped before the log is waited for.
    const reply = service.codec.reply(operation.model, output, requestId)
    const facts = callFacts(parts, progress, output, undefined)
    wipe(output)
    await parts.trail.record(parts.frames.call(facts))
    parts.recorded?.(facts)
    return reply
  }
  const committed = await runWrite(prepared, parts.records, {
    ofCall: (output) => parts.frames.call(callFacts(parts, progress, output, undefined)),
    ofEvent: (event) => eventFrame(parts, progress, event),
  })
  return answerCommitted(parts, progress, operation, committed)
}

async function answerCommitted(
  parts: PipelineParts,
  progress: Progress,
  operation: AnyOperation,
  { output, frames }: Committed,
): Promise<HttpReply> {
  const { service, requestId } = progress
  const reply = service.codec.reply(operation.model, output, requestId)
  wipe(output)
  try {
    await parts.trail.recordAllCommitted(frames)
  } catch (error) {
    return internalReply(parts, progress, error)
  }
  return reply
}

/** Everything up to the shape check. @throws ServiceError */
async function admit(parts: PipelineParts, progress: Progress): Promise<Prepared> {
  const { request, service, requestId, trace } = progress
  const wire = service.codec.read(request)
  progress.operationName = wire.operation
  const operation = service.operations.get(wire.operation)
  if (operation === undefined) throw service.codec.unknownOperation(wire.operation)
  const identity = await parts.authenticate(request, service)
  const call: Call = {
    ...placeOf(identity, service),
    caller: identity.caller,
    service: service.name,
    operation: operation.name,
    requestId,
    time: parts.clock.now(),
    connection: request.connection,
    userAgent: request.headers['user-agent'] ?? '',
    host: request.headers['host'] ?? '',
  }
  progress.call = call
  progress.operation = operation
  service.throttle?.(call)
  const input = service.codec.decode(operation.model, wire.input)
  try {
    validate(operation.model.input, input)
    // The shape has just been checked: this is the operation's own input type, forgotten in the registry.
    operation.check(input as never)
  } finally {
    progress.input = input
  }
  const scope = service.openScope({ call, random: parts.random, records: parts.records })
  return { operation, service, input, scope, trace }
}

/** Records a failed call and answers it. One above its rate is no call yet: nothing of it was looked at for its record. */
async function refuse(
  parts: PipelineParts,
  progress: Progress,
  error: unknown,
): Promise<HttpReply> {
  const { service, requestId } = progress
  const known = error instanceof ServiceError
  const publicError: PublicError = known
    ? error
    : { code: service.internalError, publicMessage: INTERNAL_MESSAGE }
  if (!known) logFailure(parts, progress, error)
  try {
    if (progress.call === undefined || publicError.code === 'ThrottlingException') {
      const { code } = publicError
      await parts.refusals.record(code, () => refusalFrame(parts, progress, publicError))
    } else {
      const facts = callFacts(parts, progress, undefined, publicError)
      await parts.trail.record(parts.frames.call(facts))
    }
  } catch (auditError) {
    return internalReply(parts, progress, auditError)
  }
  return service.codec.errorReply(publicError, requestId)
}

function internalReply(parts: PipelineParts, progress: Progress, error: unknown): HttpReply {
  logFailure(parts, progress, error)
  const { service, requestId } = progress
  return service.codec.errorReply(
    { code: service.internalError, publicMessage: INTERNAL_MESSAGE },
    requestId,
  )
}

function logFailure(parts: PipelineParts, progress: Progress, error: unknown): void {
  const { requestId, service, operationName } = progress
  const fields = {
    requestId,
    service: service.name,
    operation: operationName.slice(0, RECORDED_NAME_MAX),
  }
  parts.log.error(fields, 'a request failed', error)
}

/** The frame of what the service did by itself in the course of a call. */
function eventFrame(
  parts: PipelineParts,
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
  })
}

function refusalFrame(parts: PipelineParts, progress: Progress, error: PublicError): string {
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

/** CloudTrail leaves out request parameters above 100 KB. Unit: UTF-16 code units, never more than bytes. */
const REQUEST_PARAMETERS_MAX = 102_400

/** The request's parameters as JSON: null where there is nothing to record, or too much. */
function recordedParameters({ requestParameters }: Pick<AuditDetail, 'requestParameters'>): string {
  const json = JSON.stringify(requestParameters)
  return json === '{}' || json.length > REQUEST_PARAMETERS_MAX ? 'null' : json
}

/** What the audit frame of an authenticated call is made of, successful or not. */
function callFacts(
  parts: PipelineParts,
  progress: Progress,
  output: object | undefined,
  error: PublicError | undefined,
): CallFacts {
  const { call, operation, service, requestId, trace } = progress
  if (call === undefined || operation === undefined) throw new TypeError('no call to record')
  const detail = auditDetail(progress, operation, output, error)
  return {
    eventId: parts.random.uuid(),
    requestId,
    time: call.time,
    accountId: call.accountId,
    region: call.region,
    eventSource: service.eventSource,
    eventName: operation.name,
    accessKeyId: call.caller.accessKeyId,
    userIdentityJson: call.caller.userIdentityJson,
    userAgent: call.userAgent,
    host: call.host,
    connection: call.connection,
    readOnly: operation.readOnly,
    requestParametersJson: recordedParameters(detail),
    responseElementsJson: JSON.stringify(detail.responseElements ?? null),
    additionalEventDataJson:
      detail.additionalEventData === undefined
        ? undefined
        : JSON.stringify(detail.additionalEventData),
    resources: recordedResources(progress, operation, output, error),
    error: error === undefined ? undefined : { code: error.code, message: error.publicMessage },
    decision: trace.decision,
    elsewhere: detail.elsewhere && elsewhereFacts(parts, detail.elsewhere),
  }
}

function elsewhereFacts(parts: PipelineParts, record: RecordElsewhere): ElsewhereFacts {
  return {
    eventId: parts.random.uuid(),
    region: record.region,
    eventName: record.eventName,
    requestParametersJson: recordedParameters(record),
    responseElementsJson: JSON.stringify(record.responseElements),
    resources: record.resources,
  }
}

/** A caller who was denied must not learn from its own records what another account has. */
function recordedResources(
  { trace, call }: Progress,
  operation: AnyOperation,
  output: object | undefined,
  error: PublicError | undefined,
): readonly AuditResource[] {
  // What has neither been found nor made is no resource of the call.
  if (trace.target === undefined && output === undefined) return []
  // Both come from this operation's own members.
  const resources = operation.resources(trace.target, output)
  if (error?.code !== 'AccessDeniedException') return resources
  return resources.filter(({ accountId }) => accountId === call?.accountId)
}
