import type { Permission } from '../authz/permission.ts'
import type { Instant } from '../core/ids.ts'
import type { OperationModel } from '../core/model.ts'
import type { Random } from '../core/ports.ts'
import type { Records, RecordsTransaction } from '../core/records.ts'
import type { Call } from './call.ts'
import type { Identity } from './service.ts'

/** JSON that may stand in an audit record. A `Secret` or bytes are not JSON and do not compile. */
export type Json = string | number | boolean | null | undefined | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [member: string]: Json
}

/** What one operation adds to its audit record: an allow-list, built by hand in each operation file. */
export interface AuditDetail {
  readonly requestParameters: JsonObject | null
  readonly responseElements?: JsonObject | null
  readonly additionalEventData?: JsonObject
  /** What a successful call did in another Region: it has a record there. */
  readonly elsewhere?: RecordElsewhere
}

/** A record in another Region than the call's, by the same caller. */
export interface RecordElsewhere {
  readonly region: string
  readonly eventName: string
  readonly requestParameters: JsonObject
  readonly responseElements: JsonObject | null
  readonly resources: readonly AuditResource[]
}

/** A resource of the call, as audit records list it. */
export interface AuditResource {
  readonly accountId: string
  readonly type: string
  readonly arn: string
}

/** What a handler may touch: the only door to records, randomness and, for its service, cryptography. */
export interface Scope {
  readonly call: Call
  readonly random: Random
  /** The view of the records: the transaction itself in an operation with effect `write`. */
  readonly records: Records
}

/** Something that the service does by itself in the course of a call: it has a record of its own. */
export interface ServiceEvent {
  /** `RotateKey` */
  readonly name: string
  /** Where it happened, which need not be the Region of the call. */
  readonly accountId: string
  readonly region: string
  readonly resources: readonly AuditResource[]
  readonly details?: JsonObject
  /** Present for what AWS records as a call of its own, with a reply, rather than as a service event. */
  readonly responseElements?: JsonObject
}

export interface WriteScope extends Scope {
  readonly tx: RecordsTransaction
  /** Adds the record of a service event to the transaction; it is in the log before the call is answered. */
  recordEvent(event: ServiceEvent): Promise<void>
}

/** What an operation that takes no signature finds its caller with. */
export interface UnsignedCall {
  readonly records: Records
  /** The service's time. */
  readonly time: Instant
}

/**
 * One API operation as data plus one function. The pipeline runs the members in this order and is
 * the only one to call them. With effect `write` everything from `resolve` to `audit` runs inside one
 * transaction, on the transaction's own view, so that nothing can change between check and use; it
 * may run more than once.
 *
 * `Prepared` is what had to be drawn or computed before the transaction: ids, key material.
 */
export interface Operation<Input, Output, Target, Prepared> {
  readonly name: string
  readonly model: OperationModel
  readonly effect: 'read' | 'write'
  /** Whether audit records call it read-only: cryptographic operations are. */
  readonly readOnly: boolean
  /**
   * Whether CloudTrail counts it among the data events, which a trail has no records of unless it asks for
   * them. The call is in the log all the same. Default: no.
   */
  readonly isDataEvent?: boolean
  /**
   * Only of an operation that takes no signature: who calls, by what is in its input. What it finds out is the
   * caller's whole authority; nothing else of a request without a signature is believed.
   * @throws ServiceError
   */
  identify?(input: Input, where: UnsignedCall): Promise<Identity>
  /** Rules between members, and what only some callers may ask; they need no resource. @throws ServiceError */
  check(input: Input, call: Call): void
  prepare(input: Input, scope: Scope): Prepared | Promise<Prepared>
  /** Whether `prepare` is work that only those who may should cause: they are asked for before it, too. */
  readonly drawsMaterial: boolean
  /** Finds what the request names. @throws ServiceError NotFoundException, InvalidArnException, AccessDeniedException */
  resolve(input: Input, scope: Scope): Target | Promise<Target>
  /**
   * Whether the permissions depend on nothing that is looked up: then they are asked for before `resolve`,
   * with no target, and callers who may not do not learn what there is.
   */
  readonly authorizesFirst: boolean
  /**
   * What the caller must be allowed to do, in the order in which it is decided: each permission is
   * asked for only when those before it were granted.
   */
  permissions(input: Input, target: Target, scope: Scope): Iterable<Permission>
  /**
   * What is asked of callers who may, before the target itself is looked at: rates that depend on it,
   * tokens that must belong to it. Nothing to wait for is undefined, not a settled promise.
   * @throws ServiceError
   */
  screen(input: Input, target: Target, scope: Scope): void | Promise<void>
  /** State, then usage, then algorithm and size. @throws ServiceError */
  admit(input: Input, target: Target, call: Call): void
  /** Whether the request asked for a dry run. */
  isDryRun(input: Input): boolean
  /** The part of the work that a dry run still does, because its outcome is part of the answer. */
  rehearse(input: Input, target: Target, scope: Scope): void | Promise<void>
  handle(input: Input, target: Target, scope: Scope, prepared: Prepared): Output | Promise<Output>
  /** What the record lists: what was found, and what was made. `output` is absent when the call failed. */
  resources(target: Target, output: Output | undefined): readonly AuditResource[]
  /** `target` and `output` are absent when the call failed, and `output` where the reply is empty. */
  audit(input: Input, target: Target | undefined, output: Output | undefined): AuditDetail
}

/**
 * An operation whose types have been checked where it was defined and are forgotten in the registry.
 * The pipeline hands each member only what another member of the same operation returned.
 */
export type AnyOperation = Operation<never, object | undefined, unknown, unknown>
