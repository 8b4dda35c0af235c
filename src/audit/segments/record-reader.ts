import { hash } from 'node:crypto'
import { IntegrityError } from '../../core/errors.ts'
import type { SegmentFile, SegmentFiles } from './segment-files.ts'
import {
  BATCH_ALIGNMENT,
  BATCH_TRAILER_BYTES,
  FRAME_BYTES_MAX,
  RECORD_PREFIX_BYTES,
  readU64,
  segmentName,
  segmentNumberOf,
} from './segment-format.ts'

/** Where a frame stands in the log. */
export interface FramePlace {
  readonly sequence: number
  readonly segment: number
  /** Of its record, from the start of the segment's file. Unit: bytes. */
  readonly offset: number
}

/** Most frames are smaller, and then one read is enough. Unit: bytes. */
const FIRST_READ_BYTES = 4096
const CHAIN_BYTES = 32
const OPEN_FILES_MAX = 16

/** Reads single frames of a log from their places; keeps some files open. */
export class RecordReader {
  readonly #files: SegmentFiles
  readonly #open = new Map<number, SegmentFile>()

  constructor(files: SegmentFiles) {
    this.#files = files
  }

  /**
   * The text of one frame. Its hash must be what follows it in the chain.
   * @returns undefined where the segment is not there any more
   * @throws {IntegrityError} where another text stands at the place
   */
  async read({ sequence, segment, offset }: FramePlace): Promise<string | undefined> {
    const file = await this.#file(segment)
    if (file === undefined) return undefined
    const damaged = (): IntegrityError =>
      new IntegrityError(
        `the audit log is damaged: ${segmentName(segment)} at offset ${offset}: record ${sequence} is not what was written`,
      )
    let bytes = await readBytes(file, offset, FIRST_READ_BYTES)
    if (bytes.length < RECORD_PREFIX_BYTES || readU64(bytes, 32) !== sequence) throw damaged()
    const length = bytes.readUInt32BE(48)
    if (length > FRAME_BYTES_MAX) throw damaged()
    const end = RECORD_PREFIX_BYTES + length
    const trailer = trailerBehind(offset + end) - offset
    if (bytes.length < trailer + CHAIN_BYTES) {
      bytes = await readBytes(file, offset, trailer + CHAIN_BYTES)
    }
    if (bytes.length < trailer) throw damaged()
    const chain = hash('sha256', bytes.subarray(0, end), 'latin1')
    // The next record begins with it, or the trailer of the batch does.
    const isWhole = [end, trailer].some(
      (at) => bytes.toString('latin1', at, at + CHAIN_BYTES) === chain,
    )
    if (!isWhole) throw damaged()
    return bytes.toString('utf8', RECORD_PREFIX_BYTES, end)
  }

  async #file(segment: number): Promise<SegmentFile | undefined> {
    const known = this.#open.get(segment)
    if (known !== undefined) {
      this.#open.delete(segment)
      this.#open.set(segment, known)
      return known
    }
    const names = await this.#files.list()
    if (!names.some((name) => segmentNumberOf(name) === segment)) return undefined
    const file = await this.#files.open(segmentName(segment), 'read')
    this.#open.set(segment, file)
    for (const [oldest, other] of this.#open) {
      if (this.#open.size <= OPEN_FILES_MAX) break
      this.#open.delete(oldest)
      await other.close()
    }
    return file
  }

  /** Closes the files; a later read opens them again. */
  async close(): Promise<void> {
    const files = [...this.#open.values()]
    this.#open.clear()
    await Promise.all(files.map((file) => file.close()))
  }
}

async function readBytes(file: SegmentFile, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  return bytes.subarray(0, await file.read(bytes, at))
}

/** Where the trailer of the batch begins if its last record ends at `end`. */
const trailerBehind = (end: number): number =>
  Math.ceil((end + BATCH_TRAILER_BYTES) / BATCH_ALIGNMENT) * BATCH_ALIGNMENT - BATCH_TRAILER_BYTES
