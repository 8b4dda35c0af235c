/**
 * How long a node may serve from its caches after it last said that it lives, in milliseconds of its
 * own clock, counted from before it said so.
 */
export const LEASE_MS = 2000
/**
 * How long others wait for a sign of life before they go on without a node, by their own clocks and
 * counted from when they first saw the last one. The difference covers clocks that run apart.
 */
export const GIVE_UP_MS = 3000

/** The clocks that a lease is measured with. */
export interface LeaseClocks {
  /** Milliseconds that only grow. They may stand still while the machine sleeps. */
  readonly elapsed: () => number
  /** Milliseconds since 1970. They go on while the machine sleeps, and may be set. */
  readonly wall: () => number
}

/** Until when a node may serve from its caches. */
export class Lease {
  readonly #clocks: LeaseClocks
  #elapsedUntil = -Infinity
  #wallUntil = -Infinity
  #waiting: (() => void)[] = []

  constructor(clocks: LeaseClocks) {
    this.#clocks = clocks
  }

  /** The moment that a lease counts from: taken before the sign of life is sent. */
  now(): { readonly elapsed: number; readonly wall: number } {
    return { elapsed: this.#clocks.elapsed(), wall: this.#clocks.wall() }
  }

  /** The sign of life that was sent at `from` has been taken. */
  renew(from: { readonly elapsed: number; readonly wall: number }): void {
    this.#elapsedUntil = from.elapsed + LEASE_MS
    this.#wallUntil = from.wall + LEASE_MS
    for (const go of this.#waiting.splice(0)) go()
  }

  /** The node has been given up, or gives itself up. */
  end(): void {
    this.#elapsedUntil = -Infinity
  }

  /**
   * Whether what the caches hold is true. By both clocks: a machine that slept finds that one of them
   * went on, and one whose time was set back still has the other.
   */
  isFresh(): boolean {
    const { elapsed, wall } = this.now()
    return elapsed < this.#elapsedUntil && wall < this.#wallUntil
  }

  /** Waits until it is, for so long at most. @returns whether it is */
  async whenFresh(atMostMs: number): Promise<boolean> {
    if (this.isFresh()) return true
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, atMostMs)
      this.#waiting.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
    return this.isFresh()
  }
}
