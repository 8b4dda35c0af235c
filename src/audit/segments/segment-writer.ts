import type { KeyObject } from 'node:crypto'
import type { Clock } from '../../core/ports.ts'
import type { BatchBuffer, ChainPosition } from './batch-buffer.ts'
import { type SegmentFile, type SegmentFiles, writeAt } from './segment-files.ts'
import {
  type Chain,
  chainStartOf,
  encodeSeal,
  encodeSegmentHeader,
  NEXT_NAME,
  SEAL_BYTES,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentName,
} from './segment-format.ts'

const PREPARE_CHUNK_BYTES = 1_048_576

/** A segment that is being written: everything that its next batch and its seal need. */
export interface WritableSegment {
  readonly file: SegmentFile
  readonly header: SegmentHeader
  readonly chainStart: Chain
  /** The key that its header names. */
  readonly macKey: KeyObject
  /** Where the next batch goes. */
  offset: number
  batches: number
  outboxLowest: number
  outboxHighest: number
  /** From the first attempt to write the seal on nothing may follow: a failed attempt may be on disk. */
  seal: 'none' | 'begun' | 'written'
}

export interface SegmentWriterOptions {
  readonly files: SegmentFiles
  readonly nodeId: string
  readonly macKey: KeyObject
  readonly macKeyId: string
  readonly clock: Clock
  readonly segmentBytes: number
}

/** What a new segment follows. */
export interface SegmentOrigin {
  readonly number: number
  readonly nextSequence: number
  readonly previousChain: Chain
  readonly outboxHigh: number
  readonly afterDamage: boolean
}

/** Puts finished batches on disk, one at a time: chooses the place, seals full segments, prepares the next one. */
export class SegmentWriter {
  readonly #options: SegmentWriterOptions
  #segment: WritableSegment
  #position: ChainPosition
  /** One past the last byte that a failed write may have touched; 0 when there is none. */
  #dirtyEnd = 0
  #prepared: Promise<SegmentFile | undefined> | undefined

  constructor(options: SegmentWriterOptions, segment: WritableSegment, position: ChainPosition) {
    this.#options = options
    this.#segment = segment
    this.#position = position
  }

  get segment(): WritableSegment {
    return this.#segment
  }

  /** Where the written chain stands. */
  get position(): ChainPosition {
    return this.#position
  }

  /** The chain value after the newest written frame. */
  get lastChain(): Chain {
    const { batches, header } = this.#segment
    return batches > 0 ? this.#position.chain : header.previousChain
  }

  /** What a batch may take that follows `pendingBytes` not written yet; nothing once the segment is full. */
  roomAfter(pendingBytes: number): number {
    const { header, offset, seal } = this.#segment
    if (seal !== 'none') return 0
    return header.sizeBytes - SEAL_BYTES - offset - pendingBytes
  }

  /**
   * Writes a batch, durably once called back without an error. After an error nothing of it counts, and
   * before anything else is written its range is overwritten with zeros.
   *
   * O_DSYNC reports a failure to the very write that failed, and the rewrite covers the whole range, so
   * success of the rewrite says that the disk has it; a seal and a new segment would need a write beside the doubtful
   * range as well, and a place that no file could be made in is where most failures come from.
   */
  write(batch: BatchBuffer, done: (error: Error | null) => void): void {
    if (this.#dirtyEnd > 0) {
      this.#clean().then(
        () => this.#writeClean(batch, done),
        (error: unknown) => done(toError(error)),
      )
    } else {
      this.#writeClean(batch, done)
    }
  }

  #writeClean(batch: BatchBuffer, done: (error: Error | null) => void): void {
    const segment = this.#segment
    const length = batch.lengthBytes
    batch.finish(segment.batches + 1, Math.max(0, this.#options.clock.now()), segment.macKey)
    this.#dirtyEnd = segment.offset + length
    segment.file.write(batch.bytes, length, segment.offset, (error) => {
      if (error === null) this.#advance(batch, length)
      done(error)
    })
  }

  #advance(batch: BatchBuffer, length: number): void {
    const segment = this.#segment
    this.#dirtyEnd = 0
    this.#position = batch.after
    segment.offset += length
    segment.batches += 1
    if (batch.outboxHighest > 0) {
      const lowest = segment.outboxLowest === 0 ? batch.outboxLowest : segment.outboxLowest
      segment.outboxLowest = Math.min(lowest, batch.outboxLowest)
      segment.outboxHighest = Math.max(segment.outboxHighest, batch.outboxHighest)
    }
    if (segment.offset * 2 > segment.header.sizeBytes) this.#prepareSoon()
  }

  async #clean(): Promise<void> {
    const { file, offset } = this.#segment
    if (this.#dirtyEnd > offset) await writeAt(file, Buffer.alloc(this.#dirtyEnd - offset), offset)
    this.#dirtyEnd = 0
  }

  /**
   * Seals the segment and begins the next one. After a rejection it can be called again and goes on
   * where it failed.
   * @throws {Error} of the file system.
   */
  async roll(): Promise<void> {
    if (this.#dirtyEnd > 0) await this.#clean()
    const full = this.#segment
    await this.#seal(full)
    this.#prepareSoon()
    const prepared = (await this.#prepared) ?? (await prepareSegment(this.#options))
    this.#prepared = Promise.resolve(prepared)
    this.#segment = await beginSegment(this.#options, prepared, {
      number: full.header.number + 1,
      nextSequence: this.#position.nextSequence,
      previousChain: this.lastChain,
      outboxHigh: this.#position.outboxHigh,
      afterDamage: false,
    })
    this.#prepared = undefined
    this.#position = { ...this.#position, chain: this.#segment.chainStart }
    // Its bytes are on disk and it is not written again: a failing close has nothing left to lose.
    await full.file.close().catch(() => undefined)
  }

  async #seal(segment: WritableSegment): Promise<void> {
    if (segment.seal === 'written') return
    segment.seal = 'begun'
    const seal = encodeSeal(
      {
        endOffset: segment.offset,
        batches: segment.batches,
        firstSequence: segment.header.firstSequence,
        lastSequence: this.#position.nextSequence - 1,
        sealedAt: Math.max(0, this.#options.clock.now()),
        outboxLowest: segment.outboxLowest,
        outboxHighest: segment.outboxHighest,
        outboxHigh: this.#position.outboxHigh,
        chain: this.#position.chain,
        chainStart: segment.chainStart,
      },
      segment.macKey,
    )
    await writeAt(segment.file, seal, segment.header.sizeBytes - SEAL_BYTES)
    segment.seal = 'written'
  }

  /** In the background; a failure is found again, and reported, when the segment is needed. */
  #prepareSoon(): void {
    this.#prepared ??= prepareSegment(this.#options).catch(() => {
      this.#prepared = undefined
      return undefined
    })
  }

  /** Leaves nothing of a failed write behind where that is possible. */
  async close(): Promise<void> {
    if (this.#dirtyEnd > 0) await this.#clean().catch(() => undefined)
    const prepared = await this.#prepared
    await prepared?.close()
    if (prepared !== undefined) await this.#options.files.remove(NEXT_NAME)
    await this.#segment.file.close()
  }
}

const toError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error))

/** A zero-filled file under the name of a segment in preparation. */
export async function prepareSegment(options: SegmentWriterOptions): Promise<SegmentFile> {
  const { files, segmentBytes } = options
  const file = await files.create(NEXT_NAME)
  try {
    const zeros = Buffer.alloc(Math.min(PREPARE_CHUNK_BYTES, segmentBytes))
    for (let at = 0; at < segmentBytes; at += zeros.length) {
      await writeAt(file, zeros.subarray(0, Math.min(zeros.length, segmentBytes - at)), at)
    }
    return file
  } catch (error) {
    await file.close()
    await files.remove(NEXT_NAME)
    throw error
  }
}

/** Writes the header and gives the prepared file its name: durable once resolved. */
export async function beginSegment(
  options: SegmentWriterOptions,
  file: SegmentFile,
  origin: SegmentOrigin,
): Promise<WritableSegment> {
  const header: SegmentHeader = {
    sizeBytes: options.segmentBytes,
    number: origin.number,
    firstSequence: origin.nextSequence,
    createdAt: Math.max(0, options.clock.now()),
    outboxHigh: origin.outboxHigh,
    previousChain: origin.previousChain,
    nodeId: options.nodeId,
    macKeyId: options.macKeyId,
    afterDamage: origin.afterDamage,
  }
  const bytes = encodeSegmentHeader(header, options.macKey)
  await writeAt(file, bytes, 0)
  await options.files.rename(NEXT_NAME, segmentName(origin.number))
  return {
    file,
    header,
    chainStart: chainStartOf(bytes),
    macKey: options.macKey,
    offset: SEGMENT_HEADER_BYTES,
    batches: 0,
    outboxLowest: 0,
    outboxHighest: 0,
    seal: 'none',
  }
}
