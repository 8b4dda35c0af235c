import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { DependencyError, IntegrityError } from '../../core/errors.ts'
import type { CommitNews, HeldSetting } from '../../core/store.ts'
import type { CommitListeners } from '../commit-listeners.ts'
import { HeldValue } from '../held-value.ts'
import type { FeedSql } from './feed-sql.ts'

/** Changes that are read together. */
const CHANGES_PAGE = 1000
/** How often a process that is not up to date looks again while somebody waits for it. */
const LOOK_MS = 25

export interface SharedFileOptions {
  /** The connection that reads. */
  readonly reader: DatabaseSync
  readonly feed: FeedSql
  readonly listeners: CommitListeners
  /** What this process holds of the store. */
  readonly held?: HeldSetting | undefined
  /** Told when others have changed so much meanwhile that the process has dropped all that it had cached. */
  readonly onForgotten: () => void
  /** Told when this process can never again follow the others, and has to be started anew. */
  readonly onEnd: (error: Error) => void
  /** Told when the file cannot be read, once until it can again. */
  readonly onTrouble: (error: unknown) => void
}

/**
 * Keeps the caches of one process true while others write the same file. There is no lease and nobody waits for anybody:
 * a commit is seen by every process at once, so each asks before it serves requests whether there was one.
 * The question, `PRAGMA data_version`, takes some three microseconds.
 */
export class SharedFile {
  readonly #options: SharedFileOptions
  readonly #dataVersion: StatementSync
  readonly #held: HeldValue | undefined
  /** What the file said when everything committed by then had left the caches. */
  #seen = -1
  /** Every change up to this epoch has left the caches. */
  #applied: number
  #isAsked = false
  #isEnded = false
  #isTroubled = false

  constructor(options: SharedFileOptions) {
    this.#options = options
    this.#dataVersion = options.reader.prepare('PRAGMA data_version', { returnArrays: true })
    this.#held = options.held && new HeldValue(options.held)
    // Nothing is in the caches yet.
    this.#applied = options.feed.counters().epoch
  }

  /**
   * Whether what the caches hold is true, now that it has been asked. False where that cannot be found out. Requests that
   * are handled in a row were all read before the first of them: for them it is asked once.
   */
  isFresh(): boolean {
    if (this.#isAsked) return true
    if (!this.catchUp()) return false
    this.#isAsked = true
    // No socket is read before the microtasks have run.
    queueMicrotask(this.#askAgain)
    return true
  }

  /** As `isFresh`, and asks in any case. */
  catchUp(): boolean {
    if (this.#isEnded) return false
    try {
      // Before the feed is read: what is committed in between is found the next time.
      const version = this.#version()
      if (version !== this.#seen) {
        this.#apply()
        this.#seen = version
      }
      this.#isTroubled = false
      return true
    } catch (error) {
      if (!this.#isTroubled) this.#options.onTrouble(error)
      this.#isTroubled = true
      return false
    }
  }

  /** Looks again until it is, for so long at most. @returns whether it is */
  async whenFresh(atMostMs: number): Promise<boolean> {
    const untilMs = performance.now() + atMostMs
    while (!this.isFresh()) {
      if (this.#isEnded || performance.now() >= untilMs) return false
      await delay(LOOK_MS)
    }
    return true
  }

  /** The listeners have heard of a commit of this process's own, which began when all before had been applied. */
  heard(epoch: number): void {
    this.#applied = epoch
  }

  readonly #askAgain = (): void => {
    this.#isAsked = false
  }

  #version(): number {
    const row: unknown = this.#dataVersion.get()
    const version: unknown = Array.isArray(row) ? row[0] : undefined
    if (typeof version === 'number') return version
    throw new IntegrityError('the store does not say whether it was changed')
  }

  #apply(): void {
    const { feed } = this.#options
    const { epoch } = feed.counters()
    if (epoch < this.#applied) throw this.#goneBack(epoch)
    while (this.#applied < epoch) {
      const changes = feed.changesSince(this.#applied, CHANGES_PAGE)
      if (changes[0]?.epoch === this.#applied + 1) {
        this.#tell(changes, epoch)
        this.#applied = changes.at(-1)?.epoch ?? this.#applied
      } else this.#forgetUntil(epoch)
    }
  }

  /** The feed is no longer whole: what is read from now on has all that was committed up to `epoch`. */
  #forgetUntil(epoch: number): void {
    this.#tell('everything', epoch)
    this.#applied = epoch
    this.#options.onForgotten()
  }

  /** Who holds something hears of it before what came with it is used. */
  #tell(news: CommitNews, epoch: number): void {
    const { feed, listeners } = this.#options
    try {
      if (this.#held?.isIn(news)) this.#held.take(feed.setting(this.#held.name), epoch)
    } catch (error) {
      throw this.#ended(error instanceof Error ? error.message : String(error))
    }
    listeners.tell(news)
  }

  /** What was committed from now on would have epochs that the caches have heard of with other changes. */
  #goneBack(epoch: number): DependencyError {
    return this.#ended(`the store has gone back from epoch ${this.#applied} to ${epoch}`)
  }

  #ended(why: string): DependencyError {
    this.#isEnded = true
    const error = new DependencyError(`${why}: this process has to be started again`)
    this.#options.onEnd(error)
    return error
  }
}
