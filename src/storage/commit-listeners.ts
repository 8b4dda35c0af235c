import type { Change } from '../core/store.ts'

/** Those who want to hear of commits, in the order in which they asked. */
export class CommitListeners {
  readonly #listeners: ((changes: readonly Change[]) => void)[] = []

  add(listener: (changes: readonly Change[]) => void): void {
    this.#listeners.push(listener)
  }

  /**
   * Tells every listener. One that throws has missed a change and would serve what is no longer
   * true; the commit stands, so the error cannot go to its caller: it ends the process.
   */
  tell(changes: readonly Change[]): void {
    if (changes.length === 0) return
    for (const listener of this.#listeners) {
      try {
        listener(changes)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
