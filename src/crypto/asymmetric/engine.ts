import type { ReadyMadeRoute } from './ready-made-input.ts'
import type { ThreadPoolGate } from './thread-pool-gate.ts'

/** What asymmetric operations run on. One per process, made in `server/`. */
export interface AsymmetricEngine {
  /** Everything of `node:crypto` that takes more than some 70 µs goes through it. */
  readonly gate: ThreadPoolGate
  readonly readyMade: ReadyMadeRoute
}
