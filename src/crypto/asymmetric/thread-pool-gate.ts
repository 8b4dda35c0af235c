import { assert } from '../../core/assert.ts'
import { DependencyError } from '../../core/errors.ts'

/** How much work may be on the thread pool, and how much may wait for it. */
export interface GateLimits {
  /** Tasks under way at once: below `UV_THREADPOOL_SIZE`, so that file syncs find a free thread. */
  readonly concurrent: number
  /** Tasks that wait; one more is refused. */
  readonly waiting: number
}

/**
 * Lets a limited number of tasks into the thread pool, first come, first served. libuv's pool is one
 * queue for cryptography and file syncs alike: a burst of RSA would otherwise hold up every audit write.
 */
export class ThreadPoolGate {
  readonly #limits: GateLimits
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(limits: GateLimits) {
    assert(limits.concurrent >= 1 && limits.waiting >= 0, 'a gate lets at least one task in')
    this.#limits = limits
  }

  /** Tasks under way. */
  get running(): number {
    return this.#running
  }

  /** Tasks that wait. */
  get waiting(): number {
    return this.#waiting.length
  }

  /**
   * Runs `task` when there is room and settles as it does.
   * @throws {DependencyError} when too many tasks wait already.
   */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#limits.concurrent) {
      if (this.#waiting.length >= this.#limits.waiting) {
        throw new DependencyError('too many cryptographic operations wait for the thread pool')
      }
      // The task that ends hands its place over, so `running` does not change here.
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else {
      this.#running++
    }
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}
