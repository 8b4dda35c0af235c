import { MODELLED_ERRORS } from '../core/error-codes.ts'
import { COMMON_ERROR_CODES, type ErrorCode } from '../core/errors.ts'
import type { Registry, SeriesFamily } from './registry.ts'
import type { Histogram, Series } from './series.ts'

/** How a request ended, as far as it matters to whoever watches the service. */
export type Outcome = 'success' | 'denied' | 'throttled' | 'client_error' | 'server_error'

/** From a quarter of a millisecond, where an encryption with its audit record begins, to what nobody waits for. Unit: seconds. */
export const LATENCY_BOUNDS: readonly number[] = [
  0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

/** Faults that no service model names. */
const COMMON_FAULTS: readonly ErrorCode[] = ['InternalFailure', 'ServiceUnavailableException']

const FAULTS: ReadonlySet<string> = new Set([
  ...Object.entries(MODELLED_ERRORS)
    .filter(([, { fault }]) => fault)
    .map(([code]) => code),
  ...COMMON_FAULTS,
])
const CODES: ReadonlySet<string> = new Set([...Object.keys(MODELLED_ERRORS), ...COMMON_ERROR_CODES])

/** Every code is of a closed set; should another one come, it makes no series of its own. */
const codeLabel = (code: string): string => (CODES.has(code) ? code : 'other')

/** How a call ended whose error has this code. */
export function outcomeOf(code: string): Exclude<Outcome, 'success'> {
  if (code === 'AccessDeniedException') return 'denied'
  if (code === 'ThrottlingException') return 'throttled'
  return FAULTS.has(code) ? 'server_error' : 'client_error'
}

/** An operation of a service. The object itself is what its series are found by. */
interface NamedOperation {
  readonly name: string
}

interface MeteredService {
  readonly name: string
  readonly operations: ReadonlyMap<string, NamedOperation>
}

/** The series of one operation, held so that no call has to put names together. */
interface OperationSeries {
  readonly outcomes: Readonly<Record<Outcome, Series>>
  readonly seconds: Histogram
}

/** What is known of a call that has failed. */
export interface FailedCall {
  readonly service: string
  /** Absent where none was found. */
  readonly operation: NamedOperation | undefined
  /** Whether it never became a call: syntax, signature, an operation that there is not. */
  readonly isRefusal: boolean
  readonly seconds: number
  readonly error: { readonly code: ErrorCode; readonly publicMessage: string | undefined }
}

/** Part of what KMS answers about a key that waits for its deletion. */
const PENDING_DELETION = 'is pending deletion'

/** Counts requests and what was decided about them. On the path of every call. */
export class CallMeter {
  readonly #requests: SeriesFamily
  readonly #latencies
  readonly #errors: SeriesFamily
  readonly #refusals: SeriesFamily
  readonly #decisions: SeriesFamily
  readonly #usesPendingDeletion: Series
  readonly #series = new Map<NamedOperation, OperationSeries>()
  readonly #allowed = new Map<string, Series>()
  readonly #denied = new Map<string, Series>()

  constructor(registry: Registry) {
    this.#requests = registry.counter({
      name: 'strongroom_requests_total',
      help: 'Calls of operations by how they ended',
      labels: ['service', 'operation', 'outcome'],
    })
    this.#latencies = registry.histogram(
      {
        name: 'strongroom_request_duration_seconds',
        help: 'Time from a parsed request to its durable record and its reply, in seconds',
        labels: ['service', 'operation'],
      },
      LATENCY_BOUNDS,
    )
    this.#errors = registry.counter({
      name: 'strongroom_request_errors_total',
      help: 'Calls that failed, by the error code that the client was told',
      labels: ['service', 'code'],
    })
    this.#refusals = registry.counter({
      name: 'strongroom_refusals_total',
      help: 'Requests refused before they were a call: syntax, signature, unknown operation, rate',
      labels: ['service', 'code'],
    })
    this.#decisions = registry.counter({
      name: 'strongroom_authorization_decisions_total',
      help: 'Permissions that were asked for, by the outcome and by what decided',
      labels: ['result', 'decided_by'],
    })
    this.#usesPendingDeletion = registry
      .counter({
        name: 'strongroom_uses_of_keys_pending_deletion_total',
        help: 'Calls that failed because their key is pending deletion',
      })
      .of()
  }

  /** Makes the series of a service's operations. Before its first call. */
  register({ name: service, operations }: MeteredService): void {
    for (const operation of operations.values()) {
      const of = (outcome: Outcome): Series => this.#requests.of(service, operation.name, outcome)
      this.#series.set(operation, {
        outcomes: {
          success: of('success'),
          denied: of('denied'),
          throttled: of('throttled'),
          client_error: of('client_error'),
          server_error: of('server_error'),
        },
        seconds: this.#latencies.of(service, operation.name),
      })
    }
  }

  /** What nearly every call comes to: no object is made for it. */
  succeeded(operation: NamedOperation, seconds: number): void {
    const series = this.#series.get(operation)
    if (series === undefined) return
    series.outcomes.success.value++
    series.seconds.observe(seconds)
  }

  failed({ service, operation, isRefusal, seconds, error }: FailedCall): void {
    this.#countFailure(service, isRefusal, error)
    const series = operation && this.#series.get(operation)
    if (series === undefined || (isRefusal && error.code !== 'ThrottlingException')) return
    series.outcomes[outcomeOf(error.code)].add()
    series.seconds.observe(seconds)
  }

  #countFailure(service: string, isRefusal: boolean, error: FailedCall['error']): void {
    const family = isRefusal ? this.#refusals : this.#errors
    family.of(service, codeLabel(error.code)).add()
    if (
      error.code === 'KMSInvalidStateException' &&
      error.publicMessage?.includes(PENDING_DELETION) === true
    ) {
      this.#usesPendingDeletion.add()
    }
  }

  /** Counts a permission that was granted. @param path by which way: `resource-policy`, `grant` */
  allowed(path: string): void {
    const known = this.#allowed.get(path)
    if (known === undefined) this.#keep(this.#allowed, 'allowed', path).add()
    else known.add()
  }

  /** Counts a permission that was not granted. @param layer which kind of policy did not allow */
  denied(layer: string, isExplicit: boolean): void {
    const result = isExplicit ? 'denied_explicitly' : 'denied'
    const known = this.#denied.get(`${result}/${layer}`)
    if (known === undefined) this.#keep(this.#denied, result, layer).add()
    else known.add()
  }

  #keep(map: Map<string, Series>, result: string, decidedBy: string): Series {
    const made = this.#decisions.of(result, decidedBy)
    map.set(result === 'allowed' ? decidedBy : `${result}/${decidedBy}`, made)
    return made
  }
}
