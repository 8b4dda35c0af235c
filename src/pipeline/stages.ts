import { denialMessage } from '../authz/denial-message.ts'
import { ForeignMiss, type Permission } from '../authz/permission.ts'
import { assert } from '../core/assert.ts'
import { ConflictError, ServiceError } from '../core/errors.ts'
import type { RecordStore } from '../core/records.ts'
import type { Authorizer, Ruling } from './authorizer.ts'
import type { StageMarks } from './call-watch.ts'
import type { AnyOperation, Scope, ServiceEvent, WriteScope } from './operation.ts'
import type { Service } from './service.ts'
import { wipe } from './wipe.ts'

/** How often a transaction is tried when another one was faster. */
const TRANSACTION_TRIES_MAX = 5

/** What became known on the way, for the audit record: kept also when a later stage refuses. */
export interface Trace {
  target: unknown
  decided: Ruling[]
  /** Whether everything that the call needs was granted. */
  isAuthorized: boolean
  /** Only of calls that are traced. */
  stages?: StageMarks | undefined
}

/** A call that has passed its shape check, with everything that its stages need. */
export interface Prepared {
  readonly operation: AnyOperation
  readonly service: Service
  readonly input: Record<string, unknown>
  readonly scope: Scope
  readonly authorizer: Authorizer
  readonly trace: Trace
}

/**
 * Nothing to wait for is undefined, not a settled promise: most decisions are at hand.
 * @throws ServiceError AccessDeniedException unless the permission is granted
 */
function assertPermission(prepared: Prepared, permission: Permission): Promise<void> | undefined {
  const soon = rule(prepared, permission)
  if (soon instanceof Promise) return soon.then((ruling) => settle(prepared, permission, ruling))
  return settle(prepared, permission, soon)
}

function settle(
  prepared: Prepared,
  permission: Permission,
  ruling: Ruling,
): Promise<void> | undefined {
  prepared.trace.decided.push(ruling)
  return ruling.decision.allowed ? undefined : deny(prepared, permission, ruling)
}

/** @throws ServiceError AccessDeniedException always */
async function deny(prepared: Prepared, permission: Permission, ruling: Ruling): Promise<never> {
  const told = permission.untold ?? permission
  // A caller is told of a resource of another account what it would be told if there were none.
  const { request, decision } = told === permission ? ruling : await rule(prepared, told)
  assert(!decision.allowed, 'what is not there lets nobody do anything')
  const { namedBy = 'arn', shownAs } = told
  const message = denialMessage(request, decision.denial, namedBy, shownAs)
  throw new ServiceError('AccessDeniedException', message)
}

const rule = ({ scope, authorizer }: Prepared, permission: Permission): Ruling | Promise<Ruling> =>
  authorizer.decide(scope.call, permission, scope.records)

/**
 * Undefined, not a settled promise, where nothing has to be waited for.
 * @throws ServiceError AccessDeniedException unless every permission is granted
 */
function assertAuthorized(prepared: Prepared, target: unknown): Promise<void> | undefined {
  const { operation, input, scope } = prepared
  // `input` has passed this operation's own shape, `target` came from its own `resolve`.
  const permissions = operation.permissions(input as never, target, scope)
  return assertEach(prepared, permissions[Symbol.iterator]())
}

/** One after the other: what is refused first is what the caller is told. */
function assertEach(prepared: Prepared, rest: Iterator<Permission>): Promise<void> | undefined {
  for (let next = rest.next(); next.done !== true; next = rest.next()) {
    const soon = assertPermission(prepared, next.value)
    if (soon !== undefined) return soon.then(() => assertEach(prepared, rest))
  }
  return undefined
}

/** Finds what the request names, and asks whether the caller may. @throws ServiceError */
async function resolveAndAuthorize(prepared: Prepared): Promise<unknown> {
  const { operation, scope, trace } = prepared
  trace.target = undefined
  trace.decided = []
  trace.isAuthorized = false
  try {
    if (operation.authorizesFirst) {
      const first = assertAuthorized(prepared, undefined)
      if (first !== undefined) await first
    }
    // As above: the registry forgot the type that the shape check has just established.
    const resolved = operation.resolve(prepared.input as never, scope)
    const target = resolved instanceof Promise ? await resolved : resolved
    trace.target = target
    if (!operation.authorizesFirst) {
      const authorized = assertAuthorized(prepared, target)
      if (authorized !== undefined) await authorized
    }
    trace.isAuthorized = true
    trace.stages?.ended('authorize')
    return target
  } catch (error) {
    if (!(error instanceof ForeignMiss)) throw error
    await assertPermission(prepared, error.permission)
    throw new TypeError('what is not there lets nobody do anything', { cause: error })
  }
}

/** resolve → authorize → rates, tokens → state, usage, size → dry run stops here → handle. */
async function runStages(prepared: Prepared, drawn: unknown): Promise<object | undefined> {
  const { operation, scope } = prepared
  const input = prepared.input as never
  const target = await resolveAndAuthorize(prepared)
  const screened = operation.screen(input, target, scope)
  if (screened !== undefined) await screened
  operation.admit(input, target, scope.call)
  if (operation.isDryRun(input)) {
    await operation.rehearse(input, target, scope)
    throw new ServiceError(
      'DryRunOperationException',
      'The request would have succeeded, but the DryRun option is set.',
    )
  }
  const output = operation.handle(input, target, scope, drawn)
  return output instanceof Promise ? await output : output
}

/** A frame that has been committed with what it records; it waits in the outbox under this id. */
export interface CommittedFrame {
  readonly outboxId: number
  readonly frame: string
}

/** A call whose effect is committed. */
export interface Committed {
  readonly output: object | undefined
  /** The call's own frame last, behind those of service events. */
  readonly frames: readonly CommittedFrame[]
}

/** How a write call becomes frames. */
export interface Framing {
  /** The frame of the success, once the output is known. */
  ofCall(output: object | undefined): string
  ofEvent(event: ServiceEvent): string
}

/** Runs a call that changes nothing. */
export async function runRead(prepared: Prepared): Promise<object | undefined> {
  const { operation, scope, input } = prepared
  const soon = operation.prepare(input as never, scope)
  const drawn = soon instanceof Promise ? await soon : soon
  return await runStages(prepared, drawn)
}

/** Runs a call that changes something: all stages in one transaction, together with its audit frames. */
export async function runWrite(
  prepared: Prepared,
  records: RecordStore,
  framing: Framing,
): Promise<Committed> {
  const { operation, service, scope, input } = prepared
  // Nothing is drawn for callers who may not: making key material is work that others would wait for.
  if (operation.drawsMaterial) await resolveAndAuthorize(prepared)
  // As in `runStages`: the shape check has established the type.
  const drawn = await operation.prepare(input as never, scope)
  try {
    return await withRetries(() =>
      records.transaction(async (tx) => {
        const frames: CommittedFrame[] = []
        const commit = async (frame: string): Promise<void> => {
          frames.push({ frame, outboxId: await tx.addOutbox(frame) })
        }
        const recordEvent = (event: ServiceEvent) => commit(framing.ofEvent(event))
        const writeScope: WriteScope = { ...scope, records: tx, tx, recordEvent }
        const inTransaction = { ...prepared, scope: service.openScope(writeScope) }
        const output = await runStages(inTransaction, drawn)
        await commit(framing.ofCall(output))
        return { output, frames }
      }),
    )
  } finally {
    wipe(drawn)
  }
}

/** Runs a transaction again when another one was faster. */
async function withRetries<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction()
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt >= TRANSACTION_TRIES_MAX) throw error
    }
  }
}
