import type { SegmentFile } from './segment-files.ts'
import { allZero, BATCH_BYTES_MAX } from './segment-format.ts'

const WINDOW_BYTES = 2 * BATCH_BYTES_MAX
const SCAN_BYTES = 1_048_576

/** Reads a segment piece by piece through one buffer, so that memory does not grow with the segment. */
export class SegmentWindow {
  readonly #file: SegmentFile
  readonly #bytes: Buffer
  #start = 0
  #end = 0

  /** `sizeBytes` is the segment's: a small one needs no large buffer. */
  constructor(file: SegmentFile, sizeBytes: number) {
    this.#file = file
    this.#bytes = Buffer.alloc(Math.min(WINDOW_BYTES, sizeBytes))
  }

  /** The bytes at `at`, at most `length`, fewer at the end of the file. Valid until the next call. */
  async view(at: number, length: number): Promise<Buffer> {
    if (at < this.#start || at + length > this.#end) {
      const filled = await this.#file.read(this.#bytes, at)
      this.#start = at
      this.#end = at + filled
    }
    return this.#bytes.subarray(at - this.#start, Math.min(at + length, this.#end) - this.#start)
  }

  /** Forgets what it holds: the next view reads the file again. */
  refresh(): void {
    this.#start = 0
    this.#end = 0
  }

  /** One past the last byte in the range that is not zero; `start` where all are. */
  async endOfData(start: number, end: number): Promise<number> {
    for (let stop = end; stop > start; ) {
      const from = Math.max(start, stop - Math.min(SCAN_BYTES, this.#bytes.length))
      const bytes = await this.view(from, stop - from)
      if (!allZero(bytes, 0, bytes.length)) {
        let last = bytes.length - 1
        while (bytes[last] === 0) last -= 1
        return from + last + 1
      }
      stop = from
    }
    return start
  }
}
