import type { ExpositionFormat } from '../../metrics/exposition.ts'
import type { PeerQuestion } from '../peers/peers.ts'

/** Asks the supervisor to restart the workers in turn. Not SIGHUP: a listener would undo nohup. */
export const RESTART_SIGNAL = 'SIGUSR2'

/** What one worker wants to know of all others. */
export type Question =
  | { readonly what: 'metrics'; readonly format: ExpositionFormat }
  | PeerQuestion

/** What a worker sends to its supervisor. */
export type WorkerMessage =
  /** A sign of life. */
  | { readonly kind: 'alive' }
  | { readonly kind: 'ready'; readonly endpoint: string }
  /** A sync of the store that all workers write has failed. */
  | { readonly kind: 'syncFailure' }
  | {
      readonly kind: 'ask'
      readonly id: number
      readonly question: Question
      readonly of: readonly number[]
    }
  /** The answer to `tell`; without a result it could not be found out. */
  | { readonly kind: 'told'; readonly id: number; readonly result?: unknown }

/** What a supervisor sends to a worker. */
export type SupervisorMessage =
  | { readonly kind: 'tell'; readonly id: number; readonly question: Question }
  /** Another worker has found that a sync of the store failed: nobody writes any more. */
  | { readonly kind: 'syncFailure' }
  /** The answer to `ask`. */
  | { readonly kind: 'answers'; readonly id: number; readonly answers: readonly WorkerAnswer[] }

/** What one worker said, or the supervisor, which is number 0. */
export interface WorkerAnswer {
  readonly worker: number
  /** Absent where it did not answer, or could not. */
  readonly result?: unknown
}

const isMessage = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'kind' in value

// Between a process and the child that it has started from the same program: nobody else can write there.
export const isFromWorker = (value: unknown): value is WorkerMessage => isMessage(value)
export const isFromSupervisor = (value: unknown): value is SupervisorMessage => isMessage(value)
