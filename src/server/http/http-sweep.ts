/** Longest and shortest time between two passes; the shortest serves tests with tiny time-outs. */
const INTERVAL_MS_MAX = 1000
const INTERVAL_MS_MIN = 5

/** Something that wants to look at its deadlines now and then. */
export type Sweeper = (tick: number) => void

/**
 * One timer for the deadlines of all connections, instead of one per socket and request.
 *
 * Time is counted in ticks of the timer. A process that was paused or blocked sees one tick, not
 * the whole pause, so it does not throw out every client the moment it runs again. A deadline is
 * met at most one interval late, never early.
 */
export class Sweep {
  /** The present time. */
  tick = 0
  readonly #intervalMs: number
  readonly #sweepers: Sweeper[] = []
  readonly #timer: NodeJS.Timeout

  /** `shortestMs` is the shortest time that will be asked for. */
  constructor(shortestMs: number) {
    this.#intervalMs = Math.min(INTERVAL_MS_MAX, Math.max(INTERVAL_MS_MIN, shortestMs / 4))
    this.#timer = setInterval(() => this.#pass(), this.#intervalMs)
    this.#timer.unref()
  }

  /** A duration as a number of ticks that is never shorter. */
  ticks(durationMs: number): number {
    return Math.ceil(durationMs / this.#intervalMs) + 1
  }

  add(sweeper: Sweeper): void {
    this.#sweepers.push(sweeper)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #pass(): void {
    this.tick += 1
    for (const sweeper of this.#sweepers) sweeper(this.tick)
  }
}

/** What can be cut off when its time is over. */
interface Cuttable {
  destroy(): unknown
}

/** Sockets that are destroyed unless their deadline is taken back in time. */
export class SocketDeadlines {
  readonly #sweep: Sweep
  readonly #dueTicks = new Map<Cuttable, number>()

  constructor(sweep: Sweep) {
    this.#sweep = sweep
    sweep.add((tick) => this.#cutOff(tick))
  }

  /** An earlier deadline of the same socket stands. */
  set(socket: Cuttable, durationMs: number): void {
    if (this.#dueTicks.has(socket)) return
    this.#dueTicks.set(socket, this.#sweep.tick + this.#sweep.ticks(durationMs))
  }

  clear(socket: Cuttable): void {
    this.#dueTicks.delete(socket)
  }

  #cutOff(tick: number): void {
    for (const [socket, due] of this.#dueTicks) {
      if (tick < due) continue
      this.#dueTicks.delete(socket)
      socket.destroy()
    }
  }
}
