import { trailHeads } from '../../audit/trail/trail-heads.ts'
import type { TrailSigningKeys } from '../../audit/trail/trail-signing-keys.ts'
import { DependencyError } from '../../core/errors.ts'
import { type Instant, instant } from '../../core/ids.ts'
import type { Clock, Log, Random } from '../../core/ports.ts'
import type { RecordStore } from '../../core/records.ts'
import { TRAIL_MARKS, type TrailHead } from '../../core/trail-tables.ts'
import { backOffMs } from '../back-off.ts'
import { anchorLine } from './anchor.ts'
import type { AnchorTarget } from './anchor-target.ts'

/** How long an anchor under way may take when the node is stopped. */
const STOP_MS = 3000

export interface AnchoringParts {
  readonly nodeId: string
  /** The newest frame that is on stable storage. */
  readonly head: () => { readonly sequence: number; readonly chain: string }
  readonly records: Pick<RecordStore, 'find' | 'page'>
  readonly signingKeys: Pick<TrailSigningKeys, 'signerFor'>
  readonly target: AnchorTarget
  readonly everyMs: number
  /** The service's clock: anchors name its time. */
  readonly clock: Clock
  /** The machine's, for when the next one is due. */
  readonly machine: Clock
  readonly random: Random
  readonly log: Log
}

export interface AnchorStats {
  readonly target: string
  readonly anchors: number
  readonly failures: number
  /** By the machine's clock; absent before the first since the start. Unit: milliseconds since the Unix epoch. */
  readonly lastAt?: number
  /** Since the last one, or since the start before there is one. Unit: milliseconds. */
  readonly ageMs: number
  /** Why the last attempt failed; absent once one succeeds. */
  readonly failure?: string
}

/** Notes outside how far the log has got: every so often, and after each hour's digests. */
export class Anchoring {
  readonly #parts: AnchoringParts
  readonly #cut = new AbortController()
  #round: Promise<void> | undefined
  #anchors = 0
  #failures = 0
  #failure: string | undefined
  #lastAt: number | undefined
  readonly #startedAt: number
  #retryAt = 0
  #failuresInRow = 0
  /** Of the newest anchor: digests that ended later are named in the next one. */
  #closedUntil: Instant = instant(0)
  #time: Instant = instant(0)

  constructor(parts: AnchoringParts) {
    this.#parts = parts
    this.#startedAt = parts.machine.now()
  }

  /** Makes an anchor if one is due. One at a time. Never rejects. */
  round(): Promise<void> {
    this.#round ??= this.#anchorIfDue().finally(() => {
      this.#round = undefined
    })
    return this.#round
  }

  stats(): AnchorStats {
    return {
      target: this.#parts.target.name,
      anchors: this.#anchors,
      failures: this.#failures,
      ageMs: Math.max(0, this.#parts.machine.now() - (this.#lastAt ?? this.#startedAt)),
      ...(this.#lastAt !== undefined && { lastAt: this.#lastAt }),
      ...(this.#failure !== undefined && { failure: this.#failure }),
    }
  }

  async close(): Promise<void> {
    const timer = setTimeout(() => this.#cut.abort(), STOP_MS)
    await this.#round
    clearTimeout(timer)
    await this.#parts.target.close()
  }

  async #anchorIfDue(): Promise<void> {
    const { machine, records, nodeId, everyMs, random } = this.#parts
    const now = machine.now()
    if (now < this.#retryAt) return
    try {
      const mark = await records.find(TRAIL_MARKS, [nodeId])
      const closedUntil = mark?.record.closedUntil ?? instant(0)
      const isDue = this.#lastAt === undefined || now - this.#lastAt >= everyMs
      if (!isDue && closedUntil <= this.#closedUntil) return
      await this.#anchor(closedUntil)
      this.#lastAt = now
      this.#failuresInRow = 0
    } catch (error) {
      this.#failuresInRow += 1
      this.#retryAt = machine.now() + backOffMs(this.#failuresInRow, random)
      this.#failed(error)
    }
  }

  async #anchor(closedUntil: Instant): Promise<void> {
    const { nodeId, head, signingKeys, target, clock, log } = this.#parts
    const heads: TrailHead[] = []
    for await (const one of trailHeads(this.#parts.records, this.#parts.nodeId))
      if (one.windowStart > this.#closedUntil) heads.push(one)
    const { sequence, chain } = head()
    // A clock that was put back must not make an anchor older than the one before it.
    const time = instant(Math.max(clock.now(), this.#time))
    const line = await anchorLine({ time, nodeId, sequence, chain, heads }, signingKeys)
    await target.put(line, this.#cut.signal)
    this.#closedUntil = closedUntil
    this.#time = time
    this.#anchors += 1
    if (this.#failure !== undefined)
      log.info({ target: target.name }, 'the head of the audit log is anchored again')
    this.#failure = undefined
  }

  #failed(error: unknown): void {
    const { log, target } = this.#parts
    this.#failures += 1
    const why = error instanceof DependencyError ? error.message : 'an error of this program'
    if (this.#failure !== why)
      log.error(
        { target: target.name, why },
        'the head of the audit log was not anchored; it is tried again',
        error,
      )
    this.#failure = why
  }
}
