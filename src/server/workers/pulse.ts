/** How often a worker gives a sign of life, and how often its supervisor looks. */
export const BEAT_MS = 1000
/** Looks without a sign of life after which a worker is taken to hang. */
export const MISSED_MAX = 8

/** Pauses before a worker that ended is started again: the first, and the longest. */
const RESTART_MS = 500
const RESTART_MS_MAX = 30_000
/** A worker that has served for so long is taken to be well again. */
const WELL_MS = 60_000

/**
 * Counts looks, not time: when the whole machine stood still, or the supervisor itself did, nobody is
 * blamed for the signs that did not come.
 */
export class Pulse {
  #missed = 0

  /** A sign of life came. */
  beat(): void {
    this.#missed = 0
  }

  /** @returns whether the worker hangs */
  look(): boolean {
    this.#missed++
    return this.#missed > MISSED_MAX
  }
}

/** How long to wait before a worker is started again: longer each time, until one has served for a while. */
export class RestartPause {
  #failures = 0

  /** @param servedMs how long the worker served that has ended; 0 where it never did */
  next(servedMs: number): number {
    if (servedMs >= WELL_MS) this.#failures = 0
    const pauseMs = Math.min(RESTART_MS * 2 ** Math.min(this.#failures, 16), RESTART_MS_MAX)
    this.#failures++
    return pauseMs
  }
}
