import type { HttpRequest } from '../core/transport.ts'
import type { Progress } from './call-records.ts'

/** What a call goes through, in this order; of a write, `handle` ends with the commit. */
export type Stage = 'authenticate' | 'authorize' | 'handle' | 'audit'

/** Takes note of when the stages of one call end. */
export interface StageMarks {
  ended(stage: Stage): void
}

/** Looks at calls from outside, for metrics, logs and traces: nothing that it does changes a call. */
export interface CallWatch {
  /** Steady time. Unit: milliseconds. */
  now(): number
  /** Asks for the stages of a request that came over the network; absent where nobody wants them. */
  readonly begin?: ((request: HttpRequest) => StageMarks | undefined) | undefined
  /** A call or a refused request has its outcome, and its record is durable. On the path of every call; never throws. */
  ended(progress: Readonly<Progress>): void
}
