import { randomInt } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { DependencyError } from '../../core/errors.ts'
import { isBusy } from './sqlite-error.ts'

/** How long a commit waits for other processes: longer than it takes to end one that hangs. */
const PATIENCE_MS = 12_000
/** Between two tries to get the lock, at least and at most. */
const TRY_MS = 1
const TRY_MS_MAX = 3

export interface WriteTurnOptions {
  /** Its busy timeout must be 0: whoever waits inside SQLite does nothing else meanwhile. */
  readonly db: DatabaseSync
  /** How long it waits for others, in milliseconds; 12,000 when absent. */
  readonly patienceMs?: number | undefined
}

/**
 * Takes the write lock of a file that other processes write as well. SQLite keeps no queue: who waits tries again and
 * again, without holding up the event loop, and who has written lets others have a chance (`giveWay`).
 */
export class WriteTurn {
  readonly #db: DatabaseSync
  readonly #patienceMs: number

  constructor({ db, patienceMs = PATIENCE_MS }: WriteTurnOptions) {
    this.#db = db
    this.#patienceMs = patienceMs
  }

  /** Begins a transaction that writes. @throws {DependencyError} when others do not let go of the lock in time */
  async begin(): Promise<void> {
    const startedMs = performance.now()
    for (;;) {
      try {
        this.#db.exec('BEGIN IMMEDIATE')
        return
      } catch (error) {
        if (!isBusy(error)) throw error
        if (performance.now() - startedMs > this.#patienceMs) {
          throw new DependencyError(
            `another process has kept the store locked for ${this.#patienceMs / 1000} seconds: the change was not made`,
            { cause: error },
          )
        }
      }
      await delay(randomInt(TRY_MS, TRY_MS_MAX + 1))
    }
  }

  /** After a commit, where more is to be written: as long as others wait between two tries. */
  async giveWay(): Promise<void> {
    await delay(TRY_MS)
  }
}
