import type { FrameWriter } from '../../audit/event.ts'
import {
  findFloor,
  type LogFloor,
  newestBegun,
  removeBelow,
} from '../../audit/segments/log-floor.ts'
import { diskSegmentFiles, type SegmentFiles } from '../../audit/segments/segment-files.ts'
import { TrailRetention } from '../../audit/trail/trail-retention.ts'
import { floorHour } from '../../core/hours.ts'
import { DAY_MS, type Instant, instant, plusMs } from '../../core/ids.ts'
import type { Clock, Log } from '../../core/ports.ts'
import type { AuditTrail } from '../../pipeline/audit-trail.ts'
import { loadAuditFloor, saveAuditFloor } from './audit-floor.ts'
import type { TrailFiles } from './compose-trail.ts'
import type { NodeState } from './node-state.ts'

/** Who still needs frames of the log: those behind the sequence that it gives. Undefined: none ever. */
export type LogReader = () => number | undefined | Promise<number | undefined>

export interface AuditRetentionParts {
  readonly state: NodeState
  readonly nodeId: string
  readonly trailFiles: TrailFiles
  readonly trail: Pick<AuditTrail, 'record'>
  readonly frames: FrameWriter
  readonly clock: Clock
  readonly log: Log
  /** How long records are kept. Unit: days. */
  readonly days: number
  /** Besides the trail itself. */
  readonly readers: readonly LogReader[]
  /** Log files and digests before this may go; absent where they go nowhere else. */
  readonly shippedUntil?: (() => Promise<Instant>) | undefined
  /** Told that the frames up to this one are gone. */
  readonly onRemoved?: ((sequence: number) => Promise<void>) | undefined
}

/**
 * Removes what is older than it has to be kept, once an hour: segments of the log that everybody has read, and what they
 * have become. It is recorded before it is done, and evidence of it stays: the floor of the log in the store, and
 * `keptSince` in digests.
 */
export class AuditRetention {
  readonly #parts: AuditRetentionParts
  readonly #files: SegmentFiles
  readonly #objects: TrailRetention
  #hour = 0
  /** The time that is believed; see `#believed`. */
  #time: Instant | undefined
  #isFailing = false

  constructor(parts: AuditRetentionParts) {
    this.#parts = parts
    const { state, nodeId, trailFiles } = parts
    this.#files = diskSegmentFiles(state.folder.auditFolder, { durable: true })
    const { records } = state
    const { objects } = trailFiles
    this.#objects = new TrailRetention({ records, objects, nodeId })
  }

  /** To be called in turns with the rounds of the delivery, often. Never rejects: the next hour tries again. */
  async round(): Promise<void> {
    const now = this.#parts.clock.now()
    if (floorHour(now) === this.#hour) return
    try {
      await this.apply(await this.#believed(now))
      this.#hour = floorHour(now)
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing) {
        const message = 'old audit records could not be removed; it is tried again'
        this.#parts.log.error({}, message, error)
      }
      this.#isFailing = true
    }
  }

  /**
   * The clock's time, but no more than a day after what was believed an hour ago, or after the newest segment was begun: a
   * clock that leaps ahead by years must not take the whole log with it before anybody has noticed.
   */
  async #believed(now: Instant): Promise<Instant> {
    const before = this.#time ?? (await newestBegun(this.#files)) ?? now
    const believed = instant(Math.min(now, before + DAY_MS))
    if (believed < now) {
      const message = 'much time has passed at once: old audit records are removed a day an hour'
      this.#parts.log.warn({ believed: new Date(believed).toISOString() }, message)
    }
    this.#time = believed
    return believed
  }

  /** Removes what may be removed at `now`. */
  async apply(now: Instant): Promise<void> {
    const { days, shippedUntil } = this.#parts
    const cutoff = plusMs(now, -days * DAY_MS)
    await this.#removeSegments(cutoff)
    const shipped = (await shippedUntil?.()) ?? now
    await this.#removeObjects(instant(Math.min(cutoff, shipped)))
  }

  async #removeSegments(before: Instant): Promise<void> {
    const { state, nodeId, log, onRemoved } = this.#parts
    const { rows, custody } = state
    const noted = await loadAuditFloor(rows, custody, nodeId)
    if (noted === 'forged') {
      log.error({}, 'what the store says about retention was altered: nothing is removed')
      return
    }
    // What a crash has left of the last time.
    if (noted !== undefined) await removeBelow(this.#files, noted)
    const floor = await findFloor(this.#files, { before, through: await this.#readByAll() })
    if (floor === undefined) return
    await this.#record({ removes: 'segments', ...shown(floor) })
    await saveAuditFloor(rows, custody, nodeId, floor)
    const segments = await removeBelow(this.#files, floor)
    await onRemoved?.(floor.sequence)
    log.info({ segments, sequence: floor.sequence }, 'old segments of the audit log were removed')
  }

  async #removeObjects(cutoff: Instant): Promise<void> {
    const { log } = this.#parts
    await this.#objects.announce(cutoff)
    if (!(await this.#objects.hasRemovable())) return
    await this.#record({ removes: 'trail', before: new Date(cutoff).toISOString() })
    const { digests, logFiles } = await this.#objects.remove()
    log.info({ digests, logFiles }, 'old files of the audit trail were removed')
  }

  /** The last frame that nobody needs any more. */
  async #readByAll(): Promise<number> {
    const { trailFiles, readers } = this.#parts
    let through = await trailFiles.delivery.deliveredSequence()
    for (const reader of readers) through = Math.min(through, (await reader()) ?? through)
    return through
  }

  async #record(details: Readonly<Record<string, string | number>>): Promise<void> {
    const { trail, frames, clock } = this.#parts
    await trail.record(frames.background(clock.now(), 'audit-retention', details))
  }
}

const shown = ({ segment, sequence, chain }: LogFloor) => ({ beginsWith: segment, sequence, chain })
