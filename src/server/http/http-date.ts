const SECOND_MS = 1000

/**
 * The value of the `Date` header, made once a second.
 *
 * It is always the machine's own time, never the clock of the service: AWS SDKs correct their own
 * clocks by it, and signatures are judged by the machine's time.
 */
export class HttpDate {
  #secondMs = Number.NaN
  #text = ''

  /** An IMF-fixdate. Source: RFC 9110, 5.6.7. */
  now(): string {
    const age = Date.now() - this.#secondMs
    // A clock that was set back gives a negative age, which must refresh the text as well.
    if (!(age >= 0 && age < SECOND_MS)) this.#refresh()
    return this.#text
  }

  #refresh(): void {
    this.#secondMs = Math.floor(Date.now() / SECOND_MS) * SECOND_MS
    this.#text = new Date(this.#secondMs).toUTCString()
  }
}
