import type { Terminal } from './terminal.ts'

/** So often a line that is written over changes at most. Unit: milliseconds. */
const PAUSE_MS = 100
/** Back to the first column, and nothing in the line. Source: ECMA-48, CR and EL. */
const CLEAR = '\r\u001b[K'

/** A line on standard error that tells how far something got. Writes nothing where no person looks at it. */
export class LiveLine {
  readonly #terminal: Terminal
  #shownMs = Number.NEGATIVE_INFINITY
  #isShown = false

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  show(text: string): void {
    const { errIsLive, err, columns } = this.#terminal
    const now = this.#terminal.elapsedMs()
    if (!errIsLive || now - this.#shownMs < PAUSE_MS) return
    this.#shownMs = now
    this.#isShown = true
    // Nobody waits for it: `write` never rejects.
    void err.write(CLEAR + text.slice(0, columns - 1))
  }

  /** To be called before anything else is written. */
  async clear(): Promise<void> {
    if (this.#isShown) await this.#terminal.err.write(CLEAR)
    this.#isShown = false
  }
}
