import type { CallFacts } from '../audit/event.ts'
import { assert } from '../core/assert.ts'
import { ServiceError } from '../core/errors.ts'
import type { Log } from '../core/ports.ts'
import type { RecordStore } from '../core/records.ts'
import type { HttpHandler, HttpReply, HttpRequest } from '../core/transport.ts'
import type { AuditTrail } from './audit-trail.ts'
import type { Authorizer } from './authorizer.ts'
import type { Call } from './call.ts'
import {
  callFacts,
  eventFrame,
  type Progress,
  RECORDED_NAME_MAX,
  type RecordingParts,
  type RequestProgress,
  refusalFrame,
} from './call-records.ts'
import type { CallWatch } from './call-watch.ts'
import type { AnyOperation } from './operation.ts'
import type { RefusalRecorder } from './refusal-recorder.ts'
import { type Authenticate, type Identity, placeOf, type Service } from './service.ts'
import { type Prepared, runRead, runWrite } from './stages.ts'
import { validate } from './validate.ts'
import { mayHoldSecrets, wipe } from './wipe.ts'

export interface PipelineParts extends RecordingParts {
  /** The service that a request is for, by credential scope, target or action. Never fails. */
  readonly route: (request: HttpRequest) => Service
  readonly authenticate: Authenticate
  readonly authorizer: Authorizer
  readonly records: RecordStore
  readonly trail: AuditTrail
  readonly refusals: RefusalRecorder
  /** Told of each successful call of an operation with effect `read`, once its record is durable. */
  readonly recorded?: ((call: CallFacts) => void) | undefined
  /** Told of every call and refused request once it has its outcome. */
  readonly watch?: CallWatch | undefined
  readonly log: Log
}

/** What the client reads of a failure of ours; the cause is in the operator's log under the request id. */
const INTERNAL_MESSAGE =
  'The request was rejected because of an internal error. The request can be retried.'

const startOf = (parts: PipelineParts, service: Service): Progress => ({
  requestId: parts.random.uuid(),
  service,
  operationName: '',
  call: undefined,
  operation: undefined,
  input: undefined,
  trace: { target: undefined, decided: [], isAuthorized: false },
  startedMs: parts.watch === undefined ? 0 : parts.watch.now(),
  failure: undefined,
})

/**
 * What happens to every call of every service, in order: parse, find the operation, authenticate, throttle, check
 * the shape, resolve, authorize, check state and usage, handle, audit durably, encode, wipe secrets.
 */
export function createPipeline(parts: PipelineParts): HttpHandler {
  return async (request) => {
    const progress = { ...startOf(parts, parts.route(request)), request }
    const { watch } = parts
    if (watch?.begin !== undefined) progress.trace.stages = watch.begin(request)
    try {
      return await serve(parts, progress)
    } catch (error) {
      return await refuse(parts, progress, error)
    } finally {
      wipe(progress.input)
      watch?.ended(progress)
    }
  }
}

/** Who calls, from where, and for whom: everything of a call that the pipeline does not know itself. */
export type CallOrigin = Omit<Call, 'service' | 'operation' | 'requestId' | 'time'>

/** A call of one service by another, in this process. */
export interface InProcessCall {
  readonly service: Service
  readonly operation: string
  /** Of the operation's input type. */
  readonly input: Record<string, unknown>
  readonly origin: CallOrigin
}

/**
 * Runs calls that one service makes of another: the same steps, the same record, but no wire and no
 * signature. Nothing that comes over the network gets here. Input stays the caller's, who wipes it.
 * @returns the output, which the caller owns with the secrets in it; rejects with `ServiceError`
 */
export function createInProcessPipeline(
  parts: PipelineParts,
): (call: InProcessCall) => Promise<object | undefined> {
  return async ({ service, operation: name, input, origin }) => {
    const progress = startOf(parts, service)
    progress.operationName = name
    let made: object | undefined
    try {
      const operation = service.operations.get(name)
      assert(operation !== undefined, `the service ${service.name} has an operation ${name}`)
      const call = callOf(parts, progress, operation, origin)
      // What a service does for its caller counts as the caller's.
      service.throttle?.(call)
      const prepared = prepare(parts, progress, { operation, call, input })
      return await perform(parts, progress, prepared, (output) => (made = output))
    } catch (error) {
      // What is not on the record is not answered, and so nobody else wipes it.
      wipe(made)
      throw await recordFailure(parts, progress, error)
    } finally {
      parts.watch?.ended(progress)
    }
  }
}

async function serve(parts: PipelineParts, progress: RequestProgress): Promise<HttpReply> {
  const { service, requestId } = progress
  const prepared = await admit(parts, progress)
  const { model } = prepared.operation
  // Awaited: to return a promise from an async function costs two turns of the microtasks more.
  return await perform(parts, progress, prepared, (output) => {
    // Encoded first, so that the plaintext can be wiped before the log is waited for.
    const reply = service.codec.reply(model, output, requestId)
    if (model.output !== undefined && mayHoldSecrets(model.output)) wipe(output)
    return reply
  })
}

/**
 * Runs a call that has passed its shape check, and records it.
 * @param present makes the answer of the output, before the record is waited for
 */
async function perform<T>(
  parts: PipelineParts,
  progress: Progress,
  prepared: Prepared,
  present: (output: object | undefined) => T,
): Promise<T> {
  if (prepared.operation.effect === 'read') {
    const output = await runRead(prepared)
    progress.trace.stages?.ended('handle')
    const facts = callFacts(parts, progress, output, undefined)
    const answer = present(output)
    await parts.trail.record(parts.frames.call(facts))
    progress.trace.stages?.ended('audit')
    parts.recorded?.(facts)
    return answer
  }
  const { output, frames } = await runWrite(prepared, parts.records, {
    ofCall: (made) => parts.frames.call(callFacts(parts, progress, made, undefined)),
    ofEvent: (event) => eventFrame(parts, progress, event),
  })
  progress.trace.stages?.ended('handle')
  const answer = present(output)
  try {
    await parts.trail.recordAllCommitted(frames)
    progress.trace.stages?.ended('audit')
  } catch (error) {
    throw new UnrecordedChange(error)
  }
  return answer
}

/**
 * A change that stands while its record waits to be appended: the caller hears of a failure, and nothing more
 * is recorded of the call.
 */
class UnrecordedChange extends Error {
  constructor(cause: unknown) {
    super('the record of a change was not appended', { cause })
  }
}

/** Everything up to the shape check. @throws ServiceError */
async function admit(parts: PipelineParts, progress: RequestProgress): Promise<Prepared> {
  const { request, service } = progress
  const wire = service.codec.read(request)
  progress.operationName = wire.operation
  const operation = service.operations.get(wire.operation)
  if (operation === undefined) throw service.codec.unknownOperation(wire.operation)
  // Decoded before its caller is known only where nobody signs.
  const unsigned =
    operation.identify &&
    shapedInput(progress, operation, service.codec.decode(operation.model, wire.input))
  const identity = unsigned
    ? await identifyUnsigned(parts, operation, unsigned)
    : await parts.authenticate(request, service)
  progress.trace.stages?.ended('authenticate')
  const call = callOf(parts, progress, operation, {
    ...placeOf(identity, service),
    caller: identity.caller,
    connection: request.connection,
    userAgent: request.headers['user-agent'] ?? '',
    host: request.headers['host'] ?? '',
    referer: request.headers['referer'],
  })
  service.throttle?.(call)
  const input = unsigned ?? service.codec.decode(operation.model, wire.input)
  return prepare(parts, progress, { operation, call, input })
}

/** Who calls an operation that takes no signature. @throws ServiceError */
async function identifyUnsigned(
  parts: PipelineParts,
  operation: AnyOperation,
  input: Record<string, unknown>,
): Promise<Identity> {
  const where = { records: parts.records, time: parts.clock.now() }
  // The shape has been checked: this is the operation's own input type.
  const identity = await operation.identify?.(input as never, where)
  assert(identity !== undefined, 'an operation that takes no signature says who calls')
  return identity
}

function callOf(
  parts: PipelineParts,
  progress: Progress,
  operation: AnyOperation,
  origin: CallOrigin,
): Call {
  const call: Call = {
    ...origin,
    service: progress.service.name,
    operation: operation.name,
    requestId: progress.requestId,
    time: parts.clock.now(),
  }
  progress.call = call
  progress.operation = operation
  return call
}

/** Checks the shape of an input, which is wiped with the progress from now on. @throws ServiceError */
function shapedInput(
  progress: Progress,
  { model }: AnyOperation,
  input: Record<string, unknown>,
): Record<string, unknown> {
  progress.input = input
  validate(model.input, input)
  return input
}

/** Checks an input. @throws ServiceError */
function prepare(
  parts: PipelineParts,
  progress: Progress,
  { operation, call, input }: Pick<Prepared, 'operation' | 'input'> & { readonly call: Call },
): Prepared {
  const { service, trace } = progress
  shapedInput(progress, operation, input)
  // The shape has just been checked: this is the operation's own input type, forgotten in the registry.
  operation.check(input as never, call)
  const scope = service.openScope({ call, random: parts.random, records: parts.records })
  return { operation, service, input, scope, authorizer: parts.authorizer, trace }
}

/** Records a failed call and answers it. One above its rate is no call yet: nothing of it was looked at for its record. */
async function refuse(
  parts: PipelineParts,
  progress: RequestProgress,
  error: unknown,
): Promise<HttpReply> {
  const { service, requestId } = progress
  if (progress.call !== undefined && !isThrottled(error)) {
    return service.codec.errorReply(await recordFailure(parts, progress, error), requestId)
  }
  const publicError = publicErrorOf(parts, progress, error)
  progress.failure = publicError
  try {
    const { code } = publicError
    await parts.refusals.record(code, () => refusalFrame(parts, progress, publicError))
  } catch (auditError) {
    progress.failure = internalError(parts, progress, auditError)
  }
  return service.codec.errorReply(progress.failure, requestId)
}

const isThrottled = (error: unknown): boolean =>
  error instanceof ServiceError && error.code === 'ThrottlingException'

/** Records a call that failed. @returns what its caller is told */
async function recordFailure(
  parts: PipelineParts,
  progress: Progress,
  error: unknown,
): Promise<ServiceError> {
  const told = await recordedFailure(parts, progress, error)
  progress.failure = told
  return told
}

async function recordedFailure(
  parts: PipelineParts,
  progress: Progress,
  error: unknown,
): Promise<ServiceError> {
  if (error instanceof UnrecordedChange) return internalError(parts, progress, error.cause)
  const told = publicErrorOf(parts, progress, error)
  try {
    await parts.trail.record(parts.frames.call(callFacts(parts, progress, undefined, told)))
  } catch (auditError) {
    return internalError(parts, progress, auditError)
  }
  return told
}

/** What a client may hear of a failure; what it may not is in the operator's log. */
function publicErrorOf(parts: PipelineParts, progress: Progress, error: unknown): ServiceError {
  return error instanceof ServiceError ? error : internalError(parts, progress, error)
}

function internalError(parts: PipelineParts, progress: Progress, error: unknown): ServiceError {
  logFailure(parts, progress, error)
  return new ServiceError(progress.service.internalError, INTERNAL_MESSAGE)
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
