import type { CommitNews } from '../core/store.ts'

/** Those who want to hear of commits, in the order in which they asked. */
export class CommitListeners {
  readonly #listeners: ((news: CommitNews) => void)[] = []

  add(listener: (news: CommitNews) => void): void {
    this.#listeners.push(listener)
  }

  /**
   * Tells every listener. One that throws has missed a change and would serve what is no longer
   * true; the commit stands, so the error cannot go to its caller: it ends the process.
   */
  tell(news: CommitNews): void {
    if (news.length === 0) return
    for (const listener of this.#listeners) {
      try {
        listener(news)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
