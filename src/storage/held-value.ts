import { DependencyError } from '../core/errors.ts'
import { ANNOUNCED_SETTINGS, type CommitNews, type HeldSetting } from '../core/store.ts'

/** Hands what a shared store has for a held setting to whoever holds it, in the order of the commits, however late an answer comes. */
export class HeldValue {
  readonly #setting: HeldSetting
  #epoch = -1

  constructor(setting: HeldSetting) {
    this.#setting = setting
  }

  get name(): string {
    return this.#setting.name
  }

  /** Whether one of the changes may announce it. */
  isIn(news: CommitNews): boolean {
    if (news === 'everything') return true
    return news.some(({ table, key }) => table === ANNOUNCED_SETTINGS && key[0] === this.name)
  }

  /**
   * @param epoch the store's at the moment of which `value` is
   * @throws {DependencyError} when it cannot be taken over
   */
  take(value: string | undefined, epoch: number): void {
    // Two readers ask on connections of their own: what was true earlier may be heard of later.
    if (epoch < this.#epoch) return
    try {
      this.#setting.take(value)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new DependencyError(why, { cause })
    }
    this.#epoch = epoch
  }
}
