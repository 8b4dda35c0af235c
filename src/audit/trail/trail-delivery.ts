import { floorHour, HOUR_MS } from '../../core/hours.ts'
import { type Instant, instant } from '../../core/ids.ts'
import type { Clock, Log } from '../../core/ports.ts'
import type { RecordStore } from '../../core/records.ts'
import type { TrailMark } from '../../core/trail-tables.ts'
import { Pace } from './pace.ts'
import { makeDigest } from './trail-digest.ts'
import { SIGNATURE_ALGORITHM } from './trail-format.ts'
import { type Gathered, gather, makeLogFile, type TrailSource } from './trail-gathering.ts'
import type { TrailObjects } from './trail-objects.ts'
import type { TrailSigningKeys } from './trail-signing-keys.ts'
import { TrailState } from './trail-state.ts'
import { type TrailStatus, trailStatus } from './trail-status.ts'

/** So many frames are delivered without waiting for more. */
const FRAMES_ENOUGH = 5000
/** Frames wait no longer than this to be delivered. Unit: milliseconds. */
const WAIT_MAX_MS = 300_000
/** When the trail has been behind for so long, or by so many frames, its delivery stops giving way to calls. */
const LAG_MAX_MS = 900_000
const LAG_MAX_FRAMES = 1_000_000

export interface TrailDeliveryParts {
  readonly source: TrailSource
  readonly records: RecordStore
  readonly objects: TrailObjects
  readonly signingKeys: TrailSigningKeys
  /** The node's own Region, which digests are named for. */
  readonly homeRegion: string
  readonly clock: Clock
  readonly log: Log
  /** Whether calls keep the process busy since this was asked last. Absent: the delivery does not give way to them. */
  readonly isBusy?: (() => boolean) | undefined
  /** Steady time in milliseconds, for tests. */
  readonly steadyMs?: () => number
}

/** Counters since the start, and the state at this moment. */
export interface TrailStats {
  /** Frames of the log that are not delivered yet. */
  readonly backlogFrames: number
  /** By the service's clock, since the end of the newest closed hour; undefined before the first. */
  readonly secondsSinceDigest: number | undefined
  readonly filesWritten: number
  readonly digestsWritten: number
  /** Of log files, compressed. */
  readonly bytesWritten: number
  readonly recordsWritten: number
  readonly failures: number
  /** True from a failed delivery until one succeeds. */
  readonly failing: boolean
}

/**
 * Turns the audit log into log files and digests, in CloudTrail's layout. It follows the log from a mark in the store, and
 * decides what it does next in the store before it does it: so a crash between any two writes leaves something that the next
 * start finishes in the same way, byte for byte.
 *
 * Digests close windows that end at full hours, the same for every account and Region. Windows never go back: with a clock
 * that was put back, the open window stays open until the clock has passed its end again.
 */
export class TrailDelivery {
  readonly #parts: TrailDeliveryParts
  readonly #state: TrailState
  readonly #pace: Pace
  readonly #steadyMs: () => number
  /** Everything that is asked for is done in turn. */
  #last: Promise<unknown> = Promise.resolve()
  /** Absent where it has to be read from the store again. */
  #mark: TrailMark | undefined
  /** As far as is known: for `stats`. */
  #known = { sequence: 0, closedUntil: 0 }
  /** Since when frames wait to be delivered; undefined while there are none. Steady time. */
  #behindSinceMs: number | undefined
  #isClosed = false
  #isFailing = false
  #counts = { filesWritten: 0, digestsWritten: 0, bytesWritten: 0, recordsWritten: 0, failures: 0 }

  constructor(parts: TrailDeliveryParts) {
    this.#parts = parts
    this.#state = new TrailState(parts.records, parts.source.nodeId)
    this.#steadyMs = parts.steadyMs ?? (() => performance.now())
    this.#pace = new Pace(() => parts.isBusy === undefined || this.#isFarBehind())
  }

  /**
   * Delivers what has become due: to be called every second or so. Gives way to calls. A failure is told to the log, once,
   * and the next round tries again.
   */
  async round(): Promise<void> {
    // The failure has been told; whoever calls in a loop has nothing to add.
    await this.#inTurn(() => this.#dueRound()).catch(() => undefined)
  }

  /** Delivers every frame that is durable now. Hours that have ended are closed, the one under way is not. */
  catchUp(): Promise<void> {
    return this.#urgently(async () => {
      const { head } = this.#parts.source
      await this.#closeDue(this.#parts.clock.now())
      await this.#deliverThrough(head().sequence)
    })
  }

  /** Delivers what happened before the last full hour, and writes the digests of every window that has ended. */
  closeDueHours(now: Instant): Promise<void> {
    return this.#urgently(() => this.#closeDue(now))
  }

  /** How far the log has been delivered, durably: segments up to here may be removed. */
  async deliveredSequence(): Promise<number> {
    return (await this.#state.mark()).sequence
  }

  /** How far the trail of one account has got. */
  status(accountId: string): Promise<TrailStatus> {
    return trailStatus(this.#parts, this.#parts.source.nodeId, accountId)
  }

  stats(): TrailStats {
    const { source, clock } = this.#parts
    const { sequence, closedUntil } = this.#known
    return {
      ...this.#counts,
      backlogFrames: Math.max(0, source.head().sequence - sequence),
      secondsSinceDigest: closedUntil === 0 ? undefined : (clock.now() - closedUntil) / 1000,
      failing: this.#isFailing,
    }
  }

  /** Delivers what is durable now; nothing is delivered any more afterwards. Never rejects. */
  async close(): Promise<void> {
    await this.catchUp().catch(() => undefined)
    this.#isClosed = true
    await this.#last
  }

  #urgently(work: () => Promise<void>): Promise<void> {
    return this.#pace.urgently(() => this.#inTurn(work))
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(async () => {
      if (this.#isClosed) return
      try {
        await work()
        this.#succeeded()
      } catch (error) {
        this.#failed(error)
        throw error
      }
    })
    this.#last = turn.catch(() => undefined)
    return turn
  }

  #succeeded(): void {
    if (!this.#isFailing) return
    this.#isFailing = false
    this.#parts.log.info({}, 'the audit trail is delivered again')
  }

  #failed(error: unknown): void {
    // What was committed is not known.
    this.#mark = undefined
    this.#counts.failures += 1
    if (!this.#isFailing) {
      const message =
        'the audit trail could not be delivered: nothing is lost, and it is tried again'
      this.#parts.log.error({}, message, error)
    }
    this.#isFailing = true
  }

  async #dueRound(): Promise<void> {
    const { clock, source } = this.#parts
    const mark = await this.#finish()
    const backlog = source.head().sequence - mark.sequence
    if (backlog === 0) this.#behindSinceMs = undefined
    else this.#behindSinceMs ??= this.#steadyMs()
    await this.#closeDue(clock.now())
    // Asked each time, because it tells of the time since then.
    const isBusy = this.#parts.isBusy?.() === true && !this.#isFarBehind()
    const isDue = backlog >= FRAMES_ENOUGH || this.#behindMs() >= WAIT_MAX_MS
    if (!((isDue && !isBusy) || this.#isFailing)) return
    await this.#deliverThrough(source.head().sequence)
    this.#behindSinceMs = undefined
  }

  #behindMs(): number {
    const now = this.#steadyMs()
    return now - (this.#behindSinceMs ?? now)
  }

  #isFarBehind(): boolean {
    const backlog = this.#parts.source.head().sequence - this.#known.sequence
    return backlog >= LAG_MAX_FRAMES || this.#behindMs() >= LAG_MAX_MS
  }

  async #closeDue(now: Instant): Promise<void> {
    const end = floorHour(now)
    const mark = await this.#finish()
    if (end <= mark.closedUntil) return
    const upTo = this.#parts.source.head().sequence
    while ((await this.#deliver(end, upTo)) === 'more');
    // Chains begin with their first record: until there is one, no window is to be closed.
    if (!(await this.#state.hasHeads())) return
    this.#mark = await this.#state.begin({ type: 'digests', end })
    await this.#finish()
  }

  async #deliverThrough(sequence: number): Promise<void> {
    for (;;) {
      const { closedUntil } = await this.#finish()
      const now = floorHour(this.#parts.clock.now())
      const windowEnd = instant(Math.max(now, closedUntil) + HOUR_MS)
      const outcome = await this.#deliver(windowEnd, sequence)
      if (outcome === 'done') return
      if (outcome === 'window-end') await this.#closeDue(this.#parts.clock.now())
    }
  }

  /** One delivery of frames up to `upTo` into the window that ends at `windowEnd`. */
  async #deliver(windowEnd: Instant, upTo: number): Promise<'more' | 'done' | 'window-end'> {
    const { source, clock } = this.#parts
    const mark = await this.#finish()
    const now = (): Instant => clock.now()
    const request = { from: mark.sequence + 1, upTo, limited: true, before: windowEnd, now }
    const gathered = await gather(source, request, this.#pace)
    const { through, atWindowEnd } = gathered
    if (through > mark.sequence) {
      const time = instant(Math.min(Math.max(now(), mark.closedUntil), windowEnd - 1000))
      if (gathered.files.length > 0) {
        this.#mark = await this.#state.begin({ type: 'files', through, time })
      }
      await this.#putFiles(gathered, mark, time)
    }
    if (atWindowEnd) return 'window-end'
    return through >= upTo ? 'done' : 'more'
  }

  /** Does what was begun and not finished. @returns the mark, without anything pending */
  async #finish(): Promise<TrailMark> {
    this.#mark ??= await this.#openMark()
    const { pending, sequence } = this.#mark
    if (pending === undefined) {
      this.#known = this.#mark
      return this.#mark
    }
    if (pending.type === 'files') {
      const { through, time } = pending
      const request = {
        from: sequence + 1,
        upTo: through,
        limited: false,
        before: time,
        now: () => time,
      }
      await this.#putFiles(await gather(this.#parts.source, request, this.#pace), this.#mark, time)
    } else {
      await this.#putDigests(this.#mark, pending.end)
    }
    return this.#finish()
  }

  async #openMark(): Promise<TrailMark> {
    const mark = await this.#state.mark()
    const head = this.#parts.source.head()
    if (mark.sequence <= head.sequence) return mark
    // Without waiting for the disk, or with an older log put back: what was delivered is not in the log any more.
    const { sequence, chain } = head
    this.#parts.log.error(
      { delivered: mark.sequence, logged: sequence },
      'the audit log is shorter than what was delivered of it',
    )
    return this.#state.setMark({ sequence, chain, pending: undefined })
  }

  async #putFiles(gathered: Gathered, mark: TrailMark, time: Instant): Promise<void> {
    const { objects, source, clock } = this.#parts
    const { nodeId } = source
    const descriptions = []
    for (const file of gathered.files) {
      const { description, body } = await makeLogFile(file, { nodeId, time }, this.#pace)
      const object = { key: description.key, body, metadata: {}, modifiedAt: clock.now() }
      await objects.put(file.accountId, object)
      descriptions.push(description)
      this.#counts.filesWritten += 1
      this.#counts.bytesWritten += body.length
      this.#counts.recordsWritten += description.recordCount
    }
    const { through: sequence, chain = mark.chain } = gathered
    this.#mark = await this.#state.delivered(descriptions, { sequence, chain }, time)
    this.#known = this.#mark
  }

  async #putDigests(delivered: TrailMark, end: Instant): Promise<void> {
    const { objects, signingKeys, homeRegion, clock } = this.#parts
    const signer = await signingKeys.signerFor(end)
    for await (const head of this.#state.openHeads(end)) {
      const files = await this.#state.openFiles(head)
      const digest = await makeDigest({ head, files, end, homeRegion, delivered }, signer)
      const { key, body, signature } = digest
      const metadata = { signature, 'signature-algorithm': SIGNATURE_ALGORITHM }
      await objects.put(head.accountId, { key, body, metadata, modifiedAt: clock.now() })
      await this.#state.closed(head, end, digest)
      this.#counts.digestsWritten += 1
      await this.#pace.turn()
    }
    this.#mark = await this.#state.setMark({ closedUntil: end, pending: undefined })
    this.#known = this.#mark
  }
}
