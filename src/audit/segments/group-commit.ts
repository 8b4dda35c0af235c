import { DependencyError } from '../../core/errors.ts'
import type { Log } from '../../core/ports.ts'
import type { AuditLog, AuditStats, WrittenBatch } from './audit-log.ts'
import { type AppendDone, BatchBuffer } from './batch-buffer.ts'
import {
  BATCH_BYTES_MAX,
  BATCH_HEADER_BYTES,
  BATCH_TRAILER_BYTES,
  chainToHex,
  FRAME_BYTES_MAX,
  RECORD_PREFIX_BYTES,
  SEAL_BYTES,
  SEGMENT_HEADER_BYTES,
} from './segment-format.ts'
import type { SegmentWriter } from './segment-writer.ts'

/** Frames that wait because neither the batch nor the segment has room. Beyond this, appends fail. */
const OVERFLOW_FRAMES_MAX = 65_536
/** Unit: UTF-16 units of waiting frames, about bytes. */
const OVERFLOW_UNITS_MAX = 67_108_864
/** A log that could not be written tries again at most this often. */
const RETRY_MS = 100
/** The longest that a frame waits for others to share its write. */
const GATHER_MS_MAX = 0.5
/** How much the last batch counts in the moving average of batch sizes. */
const AVERAGE_WEIGHT = 0.25

export interface GroupCommitOptions {
  readonly writer: SegmentWriter
  readonly log: Log
  readonly durable: boolean
  /** Of the segments to come. */
  readonly segmentBytes: number
  readonly steadyMs: () => number
  readonly onBatch?: ((batch: WrittenBatch) => void) | undefined
}

interface Waiting {
  readonly frame: string
  readonly done: AppendDone | undefined
}

/**
 * The log over a segment writer: frames are gathered into batches, and one write is in flight at a time.
 * While it is, the next batch fills. An idle log writes at the end of the event loop's turn; a busy one
 * waits as long as each turn brings more frames, but no longer than a write takes.
 */
export class GroupCommit implements AuditLog {
  readonly #options: GroupCommitOptions
  readonly #frameBytesMax: number
  #filling: BatchBuffer
  #flying: BatchBuffer
  #overflow: Waiting[] = []
  #overflowUnits = 0
  /** A write or a change of segment is under way. */
  #busy = false
  #gathering = false
  #gatherEndsMs = 0
  #gathered = 0
  #averageFrames = 1
  #failure: DependencyError | undefined
  #failedAtMs = 0
  #closing: (() => void) | undefined
  #closeDone: Promise<void> | undefined
  #startedMs = 0
  #framesWritten = 0
  #batchesWritten = 0
  #bytesWritten = 0
  #lastBatchFrames = 0
  #lastWriteMs = 0
  #failures = 0
  #framesFailed = 0

  constructor(options: GroupCommitOptions) {
    this.#options = options
    const room = options.segmentBytes - SEGMENT_HEADER_BYTES - SEAL_BYTES
    const batchBytes = Math.min(BATCH_BYTES_MAX, room)
    const overhead = BATCH_HEADER_BYTES + RECORD_PREFIX_BYTES + BATCH_TRAILER_BYTES
    this.#frameBytesMax = Math.min(FRAME_BYTES_MAX, batchBytes - overhead)
    this.#filling = new BatchBuffer(batchBytes)
    this.#flying = new BatchBuffer(batchBytes)
    this.#begin()
  }

  append(frame: string, done: AppendDone): void {
    const refusal = this.#refusal(frame)
    if (refusal !== undefined) {
      this.#framesFailed += 1
      process.nextTick(done, refusal)
      return
    }
    const { durable } = this.#options
    this.#add(frame, durable ? done : undefined)
    if (!durable) process.nextTick(done)
    if (!this.#busy && !this.#gathering) this.#gather()
  }

  #refusal(frame: string): DependencyError | undefined {
    if (this.#closeDone !== undefined) return new DependencyError('the audit log is closed')
    if (frame.length * 3 > this.#frameBytesMax && Buffer.byteLength(frame) > this.#frameBytesMax) {
      return new DependencyError(`an audit frame is larger than ${this.#frameBytesMax} bytes`)
    }
    if (
      this.#overflow.length >= OVERFLOW_FRAMES_MAX ||
      this.#overflowUnits + frame.length > OVERFLOW_UNITS_MAX
    ) {
      return new DependencyError('too many audit frames wait for the disk')
    }
    // While it fails, one append in a while finds out whether the disk takes writes again; those that
    // come meanwhile share its fate.
    if (this.#failure === undefined || this.#busy || this.#gathering) return undefined
    const retry = this.#options.steadyMs() - this.#failedAtMs >= RETRY_MS
    return retry ? undefined : this.#failure
  }

  #add(frame: string, done: AppendDone | undefined): void {
    if (this.#overflow.length > 0 || !this.#filling.add(frame, done)) {
      this.#overflow.push({ frame, done })
      this.#overflowUnits += frame.length
    }
  }

  /** Waits until the event loop brings nothing more, or there is enough, or it has been long enough. */
  #gather(): void {
    this.#gathering = true
    const ms = Math.min(this.#lastWriteMs, GATHER_MS_MAX)
    this.#gatherEndsMs = this.#options.steadyMs() + ms
    this.#gathered = 0
    setImmediate(this.#gatherTurn)
  }

  readonly #gatherTurn = (): void => {
    const count = this.#filling.count
    const few = count * 2 < this.#averageFrames
    if (few && count > this.#gathered && this.#options.steadyMs() < this.#gatherEndsMs) {
      this.#gathered = count
      setImmediate(this.#gatherTurn)
      return
    }
    this.#gathering = false
    this.#pump()
  }

  /** Starts what is to be done next, if anything is. Never called while busy. */
  #pump(): void {
    if (this.#filling.count > 0) this.#fly()
    else if (this.#overflow.length > 0) this.#roll()
    else this.#closing?.()
  }

  #fly(): void {
    const { writer, steadyMs } = this.#options
    const batch = this.#filling
    this.#filling = this.#flying
    this.#flying = batch
    this.#filling.begin(batch.after, writer.roomAfter(batch.lengthBytes))
    this.#drainOverflow()
    this.#busy = true
    this.#startedMs = steadyMs()
    writer.write(batch, this.#onWritten)
  }

  readonly #onWritten = (error: Error | null): void => {
    this.#busy = false
    const batch = this.#flying
    if (error !== null) {
      this.#fail(error, batch.takeDones(), batch.count)
      return
    }
    this.#lastWriteMs = this.#options.steadyMs() - this.#startedMs
    this.#lastBatchFrames = batch.count
    this.#framesWritten += batch.count
    this.#batchesWritten += 1
    this.#bytesWritten += batch.lengthBytes
    this.#options.onBatch?.({
      frames: batch.count,
      bytes: batch.lengthBytes,
      milliseconds: this.#lastWriteMs,
    })
    this.#averageFrames += (batch.count - this.#averageFrames) * AVERAGE_WEIGHT
    if (this.#failure !== undefined) {
      this.#failure = undefined
      this.#options.log.info({}, 'the audit log is written again')
    }
    const dones = batch.takeDones()
    const enough = this.#filling.count * 2 >= this.#averageFrames || this.#overflow.length > 0
    if (enough || this.#filling.count === 0 || this.#closing !== undefined) this.#pump()
    else this.#gather()
    for (const done of dones) callBack(done)
  }

  /** The waiting frames do not fit the rest of the segment. */
  #roll(): void {
    this.#busy = true
    this.#options.writer.roll().then(
      () => {
        this.#busy = false
        this.#begin()
        this.#drainOverflow()
        this.#pump()
      },
      (error: unknown) => {
        this.#busy = false
        this.#fail(error, [], 0)
      },
    )
  }

  #begin(): void {
    const { writer } = this.#options
    this.#filling.begin(writer.position, writer.roomAfter(0))
  }

  #drainOverflow(): void {
    let taken = 0
    for (const { frame, done } of this.#overflow) {
      if (!this.#filling.add(frame, done)) break
      this.#overflowUnits -= frame.length
      taken += 1
    }
    if (taken > 0) this.#overflow.splice(0, taken)
  }

  /** Everything that waits fails: what is behind a frame that is not in the log must not be in it either. */
  #fail(cause: unknown, flyingDones: readonly AppendDone[], flyingCount: number): void {
    const { log, steadyMs, durable } = this.#options
    const failure = new DependencyError('the audit log could not be written', { cause })
    const dones = [...flyingDones, ...this.#filling.takeDones()]
    for (const { done } of this.#overflow) if (done !== undefined) dones.push(done)
    const lost = flyingCount + this.#filling.count + this.#overflow.length
    this.#overflow = []
    this.#overflowUnits = 0
    this.#begin()
    this.#failures += 1
    this.#framesFailed += lost
    this.#failedAtMs = steadyMs()
    if (this.#failure === undefined || !durable) {
      const message = durable
        ? 'the audit log could not be written: requests fail until it can'
        : 'the audit log could not be written: accepted frames are lost'
      log.error({ frames: lost }, message, cause)
    }
    this.#failure = failure
    for (const done of dones) callBack(done, failure)
    if (!this.#busy && !this.#gathering) this.#closing?.()
  }

  head(): { sequence: number; chain: string; segment: number } {
    const { writer } = this.#options
    return {
      sequence: writer.position.nextSequence - 1,
      chain: chainToHex(writer.lastChain),
      segment: writer.segment.header.number,
    }
  }

  stats(): AuditStats {
    return {
      waitingFrames:
        this.#filling.count + this.#overflow.length + (this.#busy ? this.#flying.count : 0),
      framesWritten: this.#framesWritten,
      batchesWritten: this.#batchesWritten,
      bytesWritten: this.#bytesWritten,
      lastBatchFrames: this.#lastBatchFrames,
      lastWriteMs: this.#lastWriteMs,
      failures: this.#failures,
      framesFailed: this.#framesFailed,
      failing: this.#failure !== undefined,
    }
  }

  close(): Promise<void> {
    this.#closeDone ??= this.#flushAndClose()
    return this.#closeDone
  }

  async #flushAndClose(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#closing = resolve
      if (!this.#busy && !this.#gathering) this.#pump()
    })
    await this.#options.writer.close()
  }
}

/** A callback that throws is a bug of its owner: it must not keep the others from being called. */
function callBack(done: AppendDone, error?: DependencyError): void {
  try {
    done(error)
  } catch (thrown) {
    process.nextTick(() => {
      throw thrown
    })
  }
}
