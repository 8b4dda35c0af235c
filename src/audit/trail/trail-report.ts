/** Something in a trail that is not as it was written. */
export interface TrailFinding {
  /** Its path in the copy, or the key of a file that should be there. */
  readonly file: string
  /** A sentence of which the file is the subject. */
  readonly what: string
}

/** What was looked at. */
export interface TrailCounts {
  accounts: number
  regions: number
  /** Clock hours that digests cover, of all chains together. */
  hours: number
  digests: number
  logFiles: number
  records: number
}

const FINDINGS_MAX = 1000
const NOTES_MAX = 100
const HOUR_MS = 3_600_000

/** Collects what a verification finds; keeps the first of many. */
export class TrailReport {
  readonly #findings: TrailFinding[] = []
  readonly #notes = new Set<string>()
  readonly #accounts = new Set<string>()
  readonly #regions = new Set<string>()
  #found = 0
  #hoursMs = 0
  digests = 0
  logFiles = 0
  records = 0

  find(file: string, what: string): void {
    this.#found += 1
    if (this.#findings.length < FINDINGS_MAX) this.#findings.push({ file, what })
  }

  /** Worth knowing, and no damage. */
  note(text: string): void {
    if (this.#notes.size < NOTES_MAX) this.#notes.add(text)
  }

  place(accountId: string, region: string): void {
    this.#accounts.add(accountId)
    this.#regions.add(region)
  }

  covered(milliseconds: number): void {
    this.#hoursMs += Math.max(0, milliseconds)
  }

  get findings(): readonly TrailFinding[] {
    return this.#findings
  }

  /** Findings that were counted and not kept. */
  get findingsLeftOut(): number {
    return this.#found - this.#findings.length
  }

  get notes(): readonly string[] {
    return [...this.#notes]
  }

  get counts(): TrailCounts {
    return {
      accounts: this.#accounts.size,
      regions: this.#regions.size,
      hours: Math.round(this.#hoursMs / HOUR_MS),
      digests: this.digests,
      logFiles: this.logFiles,
      records: this.records,
    }
  }
}
