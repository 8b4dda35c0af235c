/** What a worker sends to its supervisor. */
export type WorkerMessage =
  /** A sign of life. */
  | { readonly kind: 'alive' }
  | { readonly kind: 'ready'; readonly endpoint: string }
  /** Asks for the metrics of all others. */
  | { readonly kind: 'ask metrics'; readonly id: number; readonly format: string }
  /** The answer to `tell metrics`. */
  | { readonly kind: 'metrics'; readonly id: number; readonly text: string }

/** What a supervisor sends to a worker. */
export type SupervisorMessage =
  /** Asks for the worker's metrics. */
  | { readonly kind: 'tell metrics'; readonly id: number; readonly format: string }
  /** The answer to `ask metrics`. */
  | { readonly kind: 'all metrics'; readonly id: number; readonly parts: readonly MetricsPart[] }

/** The metrics of one process, as Prometheus reads them. */
export interface MetricsPart {
  /** Empty for the supervisor's own, which say themselves which worker they are about. */
  readonly worker: string
  readonly text: string
}

/** Between a process and the child that it has started from the same program: nobody else can write to it. */
const isMessage = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'kind' in value

export const isFromWorker = (value: unknown): value is WorkerMessage => isMessage(value)
export const isFromSupervisor = (value: unknown): value is SupervisorMessage => isMessage(value)
