import type { FrameWriter } from '../audit/event.ts'
import type { Clock } from '../core/ports.ts'
import type { AuditTrail } from './audit-trail.ts'

/** Refusals that are recorded one by one when they come at once. */
const BURST = 100
/** And as many for each second that passes. */
const PER_SECOND = 10
/** How long refusals that are only counted may wait for the frame that counts them. */
const SUMMARY_MS = 1000

export interface RefusalRecorderParts {
  readonly trail: Pick<AuditTrail, 'record'>
  readonly frames: Pick<FrameWriter, 'refusals'>
  readonly clock: Clock
}

/**
 * Records requests that were refused before they were a call. Whoever reaches the port can make as
 * many of them as the network carries, and a frame for each would fill the disk, after which
 * nothing is served: so those beyond a rate are counted, by code, and recorded together.
 *
 * See docs/decisions/0018-refusals-in-bulk.md.
 */
export class RefusalRecorder {
  readonly #parts: RefusalRecorderParts
  #tokens = BURST
  #refilledAt = 0
  #counts = new Map<string, number>()
  #countedSince = 0

  constructor(parts: RefusalRecorderParts) {
    this.#parts = parts
  }

  /**
   * Resolves when the refusal is durable or, beyond the rate, counted.
   * @param frameOf makes the frame of this refusal alone; not called for one that is counted
   */
  async record(code: string, frameOf: () => string): Promise<void> {
    const now = this.#parts.clock.now()
    const elapsedMs = now - this.#refilledAt
    this.#refilledAt = now
    // A clock that is set back gives nothing; one that is set ahead, a burst.
    if (elapsedMs > 0) {
      this.#tokens = Math.min(BURST, this.#tokens + (elapsedMs * PER_SECOND) / 1000)
    }
    const isDue = this.#counts.size > 0 && Math.abs(now - this.#countedSince) >= SUMMARY_MS
    const summary = isDue ? this.flush() : undefined
    if (this.#tokens >= 1) {
      this.#tokens -= 1
      await Promise.all([summary, this.#parts.trail.record(frameOf())])
      return
    }
    if (this.#counts.size === 0) this.#countedSince = now
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1)
    await summary
  }

  /**
   * Brings what has only been counted into the log: to be called about once a second, and at the end.
   * Rejects when the log cannot be written; the counts then wait for the next time.
   */
  async flush(): Promise<void> {
    if (this.#counts.size === 0) return
    const { trail, frames, clock } = this.#parts
    const [counts, since] = [this.#counts, this.#countedSince]
    this.#counts = new Map()
    try {
      await trail.record(frames.refusals({ since, time: clock.now(), byCode: counts }))
    } catch (error) {
      for (const [code, count] of counts) {
        this.#counts.set(code, (this.#counts.get(code) ?? 0) + count)
      }
      this.#countedSince = since
      throw error
    }
  }
}
