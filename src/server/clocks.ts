import { OperatorError } from '../core/errors.ts'
import { type Instant, instant } from '../core/ids.ts'
import type { Clock } from '../core/ports.ts'

/** The machine's own time. Signatures are always judged by it, and replies are always dated by it. */
export const machineClock: Clock = { now: () => instant(Date.now()) }

const TIME_MIN = 0
/** Audit records write years with four digits. */
const TIME_MAX = Date.UTC(9999, 11, 31)

/** The machine's time, moved: for `strongroom dev`. */
export class MovableClock implements Clock {
  #offsetMs = 0

  now(): Instant {
    return instant(Date.now() + this.#offsetMs)
  }

  /**
   * Moves by the nearest whole number of milliseconds: an instant has no fraction.
   * @throws {OperatorError} beyond the years that records can write
   */
  advance(milliseconds: number): void {
    this.set(instant(this.now() + Math.round(milliseconds)))
  }

  /** @throws {OperatorError} beyond the years that records can write */
  set(time: Instant): void {
    if (!(time >= TIME_MIN && time <= TIME_MAX)) {
      throw new OperatorError('the clock can stand between the years 1970 and 9999')
    }
    this.#offsetMs = time - Date.now()
  }

  reset(): void {
    this.#offsetMs = 0
  }
}
