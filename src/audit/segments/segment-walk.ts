import type { KeyObject } from 'node:crypto'
import type { ChainPosition } from './batch-buffer.ts'
import {
  type BatchHeader,
  checkBatch,
  decodeBatchHeader,
  type FrameRecord,
} from './batch-format.ts'
import type { SegmentFile } from './segment-files.ts'
import {
  BATCH_ALIGNMENT,
  BATCH_HEADER_BYTES,
  BATCH_TRAILER_BYTES,
  type Chain,
  SEAL_BYTES,
  SEGMENT_HEADER_BYTES,
} from './segment-format.ts'
import { classifyTail, findBatch, type Tail } from './segment-tail.ts'
import { SegmentWindow } from './segment-window.ts'

export interface BatchStep {
  readonly type: 'batch'
  readonly offset: number
  readonly header: BatchHeader
  readonly after: ChainPosition
  /** Empty unless the walk collects them, or where the batch was stepped over. */
  readonly records: readonly FrameRecord[]
}

export interface ProblemStep {
  readonly type: 'problem'
  readonly offset: number
  readonly sequence: number | undefined
  readonly what: string
}

/** Where a walk ended: always its last step. */
export interface EndStep {
  readonly type: 'end'
  /** Where the next batch would begin. */
  readonly offset: number
  readonly batches: number
  readonly after: ChainPosition
  /** One past the last byte of a write that was cut short; absent where there is none. */
  readonly tornEnd: number | undefined
  /** Lowest and highest outbox id in the segment; 0 when there is none. */
  readonly outboxLowest: number
  readonly outboxHighest: number
}

export interface WalkOptions {
  readonly file: SegmentFile
  /** As the segment's header says. */
  readonly sizeBytes: number
  /** What the first batch must continue; absent where the header is lost: then the first is taken as it is. */
  readonly start: ChainPosition | undefined
  /** Where an earlier walk ended, for `start` in the midst of the segment; its first batch by default. */
  readonly resume?: { readonly offset: number; readonly batches: number } | undefined
  readonly macKey?: KeyObject | undefined
  /** Hand out the records of each batch. */
  readonly collect?: boolean
  /** Batches whose last sequence is below this are stepped over by their headers. */
  readonly from?: number | undefined
  /** After a problem look for the next batch, rather than end there. */
  readonly resync?: boolean
}

interface Content {
  readonly chainAfter: Chain
  readonly records: readonly FrameRecord[]
}

/** What is wrong with a batch whose header is whole. */
interface Problem {
  readonly what: string
  readonly sequence: number | undefined
}

const REREADS_MAX = 2
const UNKNOWN: ChainPosition = { chain: '', nextSequence: 0, outboxHigh: 0 }

/** Walks over the batches of one segment and checks each. Its memory is bounded by the largest batch. */
export class SegmentWalk {
  readonly #options: WalkOptions
  readonly #window: SegmentWindow
  readonly #dataEnd: number
  #offset: number
  #batches: number
  #position: ChainPosition
  /** False where the batch before is lost, so that the next one has nothing to continue. */
  #linked: boolean
  #rereads = 0
  #outboxLowest = 0
  #outboxHighest = 0

  constructor(options: WalkOptions) {
    this.#options = options
    this.#window = new SegmentWindow(options.file, options.sizeBytes)
    this.#dataEnd = options.sizeBytes - SEAL_BYTES
    this.#offset = options.resume?.offset ?? SEGMENT_HEADER_BYTES
    this.#batches = options.resume?.batches ?? 0
    this.#position = options.start ?? UNKNOWN
    this.#linked = options.start !== undefined
  }

  async *steps(): AsyncGenerator<BatchStep | ProblemStep | EndStep, void, undefined> {
    for (;;) {
      const header = await this.#header()
      const misplaced = header === undefined ? undefined : this.#misplacement(header)
      if (misplaced !== undefined) {
        yield this.#problem(misplaced)
        if (this.#options.resync !== true) return yield this.#end(undefined)
        this.#linked = false
      }
      const content = header === undefined ? undefined : await this.#content(header)
      if (header !== undefined && content !== undefined && 'chainAfter' in content) {
        yield this.#accept(header, content)
        continue
      }
      const tail = await this.#tail(header)
      if (tail.state !== 'damaged') return yield this.#end(tail)
      if (this.#readAgain()) continue
      yield this.#problem(
        content !== undefined && 'what' in content
          ? content
          : { what: tail.what, sequence: undefined },
      )
      if (this.#options.resync !== true || !(await this.#skip(header))) {
        return yield this.#end(undefined)
      }
    }
  }

  async #header(): Promise<BatchHeader | undefined> {
    if (this.#offset + BATCH_HEADER_BYTES > this.#dataEnd) return undefined
    const header = decodeBatchHeader(await this.#window.view(this.#offset, BATCH_HEADER_BYTES))
    return header !== undefined && this.#offset + header.lengthBytes <= this.#dataEnd
      ? header
      : undefined
  }

  #misplacement(header: BatchHeader): Problem | undefined {
    if (!this.#linked) return undefined
    const { nextSequence, chain, outboxHigh } = this.#position
    const first = header.firstSequence
    if (first !== nextSequence) {
      return {
        what: `frame ${nextSequence} should follow, not frame ${first}`,
        sequence: nextSequence,
      }
    }
    const continues =
      header.index === this.#batches + 1 &&
      header.chainBefore === chain &&
      header.outboxHigh === Math.max(outboxHigh, header.outboxHighest)
    return continues
      ? undefined
      : { what: 'the batch does not continue what is before it', sequence: nextSequence }
  }

  async #content(header: BatchHeader): Promise<Content | Problem> {
    const { macKey, collect, from } = this.#options
    const bytes = await this.#window.view(this.#offset, header.lengthBytes)
    if (bytes.length < header.lengthBytes) {
      return { what: 'the file ends inside a batch', sequence: undefined }
    }
    if (from !== undefined && header.firstSequence + header.count <= from) {
      const at = header.lengthBytes - BATCH_TRAILER_BYTES
      return { chainAfter: bytes.toString('latin1', at, at + 32), records: [] }
    }
    const records: FrameRecord[] = []
    const visit = collect === true ? (record: FrameRecord) => records.push(record) : undefined
    const checked = checkBatch(bytes, header, macKey, visit)
    return checked.ok ? { chainAfter: checked.chainAfter, records } : checked
  }

  #tail(header: BatchHeader | undefined): Promise<Tail> {
    // The window may hold what was there before the rest of a write arrived.
    this.#window.refresh()
    return classifyTail(this.#window, this.#offset, this.#dataEnd, header)
  }

  /** In a live log a write may arrive while its range is read: what looks damaged is looked at again. */
  #readAgain(): boolean {
    this.#window.refresh()
    this.#rereads += 1
    return this.#rereads <= REREADS_MAX
  }

  /** Steps to where the next batch may begin; false where there is none. */
  async #skip(header: BatchHeader | undefined): Promise<boolean> {
    const next =
      header === undefined
        ? await findBatch(this.#window, this.#offset + BATCH_ALIGNMENT, this.#dataEnd)
        : this.#offset + header.lengthBytes
    if (next === undefined) return false
    this.#offset = next
    this.#linked = false
    this.#rereads = 0
    return true
  }

  #accept(header: BatchHeader, { chainAfter, records }: Content): BatchStep {
    const offset = this.#offset
    const after = {
      chain: chainAfter,
      nextSequence: header.firstSequence + header.count,
      outboxHigh: header.outboxHigh,
    }
    this.#offset += header.lengthBytes
    this.#batches = header.index
    this.#position = after
    this.#linked = true
    this.#rereads = 0
    if (header.outboxLowest > 0) {
      const lowest = this.#outboxLowest === 0 ? header.outboxLowest : this.#outboxLowest
      this.#outboxLowest = Math.min(lowest, header.outboxLowest)
      this.#outboxHighest = Math.max(this.#outboxHighest, header.outboxHighest)
    }
    return { type: 'batch', offset, header, after, records }
  }

  #problem({ what, sequence }: Problem): ProblemStep {
    return { type: 'problem', offset: this.#offset, sequence, what }
  }

  #end(tail: Tail | undefined): EndStep {
    return {
      type: 'end',
      offset: this.#offset,
      batches: this.#batches,
      after: this.#position,
      tornEnd: tail?.state === 'torn' ? tail.end : undefined,
      outboxLowest: this.#outboxLowest,
      outboxHighest: this.#outboxHighest,
    }
  }
}
