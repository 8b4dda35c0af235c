import { type Instant, instant } from '../core/ids.ts'
import type { Clock } from '../core/ports.ts'

/** The machine's own time. Signatures are always judged by it, and replies are always dated by it. */
export const machineClock: Clock = { now: () => instant(Date.now()) }

/** The machine's time, moved: for `strongroom dev`. */
export class MovableClock implements Clock {
  #offsetMs = 0

  now(): Instant {
    return instant(Date.now() + this.#offsetMs)
  }

  /** Moves by the nearest whole number of milliseconds: an instant has no fraction. */
  advance(milliseconds: number): void {
    this.#offsetMs += Math.round(milliseconds)
  }

  set(time: Instant): void {
    this.#offsetMs = time - Date.now()
  }

  reset(): void {
    this.#offsetMs = 0
  }
}
