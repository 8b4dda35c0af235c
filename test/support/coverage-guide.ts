import { type Profiler, Session } from 'node:inspector'

/**
 * Sees which parts of some files have run, by V8's own count of blocks, without changing the files: so
 * it works on TypeScript whose types Node.js takes away, which tools that rewrite sources do not.
 * **Source:** Chrome DevTools Protocol, Profiler.takePreciseCoverage.
 */
export class CoverageGuide implements Disposable {
  readonly #session = new Session()
  readonly #isWatched: (url: string) => boolean
  /** For each function: which of its characters have run. */
  readonly #ran = new Map<string, Uint8Array>()
  #characters = 0

  constructor(isWatched: (url: string) => boolean) {
    this.#isWatched = isWatched
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** How many characters of the watched files have run. */
  get characters(): number {
    return this.#characters
  }

  /** Looks at what has run since the last look, and notes it. @returns whether any of it had not been noted before */
  look(): boolean {
    return this.#look(true)
  }

  /** As `look`, and notes nothing. */
  peek(): boolean {
    return this.#look(false)
  }

  #look(isNoted: boolean): boolean {
    let fresh = 0
    // In one's own process the answer comes at once.
    this.#session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error !== null) throw error
      for (const { url, functions } of taken.result) {
        if (!this.#isWatched(url)) continue
        for (const one of functions) fresh += this.#freshIn(url, one, isNoted)
      }
    })
    if (isNoted) this.#characters += fresh
    return fresh > 0
  }

  [Symbol.dispose](): void {
    this.#session.disconnect()
  }

  /** How many characters of a function ran that are not noted. */
  #freshIn(url: string, { ranges }: Profiler.FunctionCoverage, isNoted: boolean): number {
    const [whole] = ranges
    if (whole === undefined || whole.count === 0) return 0
    const { startOffset, endOffset } = whole
    const ran = new Uint8Array(endOffset - startOffset)
    // Outer ranges come before those inside them.
    for (const range of ranges) {
      const runs = range.count > 0 ? 1 : 0
      ran.fill(runs, range.startOffset - startOffset, range.endOffset - startOffset)
    }
    // Functions are told apart by their place: those of one file have names twice.
    const place = `${url}:${startOffset}-${endOffset}`
    const known = this.#ran.get(place) ?? new Uint8Array(ran.length)
    if (isNoted) this.#ran.set(place, known)
    let fresh = 0
    for (let at = 0; at < ran.length; at++) {
      if (ran[at] === 0 || known[at] === 1) continue
      fresh++
      if (isNoted) known[at] = 1
    }
    return fresh
  }
}
