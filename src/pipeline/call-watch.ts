import type { Progress } from './call-records.ts'

/** Looks at calls from outside, for metrics, logs and traces: nothing that it does changes a call. */
export interface CallWatch {
  /** Steady time. Unit: milliseconds. */
  now(): number
  /** A call or a refused request has its outcome, and its record is durable. On the path of every call; never throws. */
  ended(progress: Readonly<Progress>): void
}
