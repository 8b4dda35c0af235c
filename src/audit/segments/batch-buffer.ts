import { hash, type KeyObject } from 'node:crypto'
import type { DependencyError } from '../../core/errors.ts'
import { batchBytesFor, encodeBatch, outboxIdOf } from './batch-format.ts'
import {
  BATCH_ALIGNMENT,
  BATCH_HEADER_BYTES,
  BATCH_TRAILER_BYTES,
  type Chain,
  RECORD_PREFIX_BYTES,
  writeU64,
} from './segment-format.ts'

/** Called once: without an error when the frame is durable. */
export type AppendDone = (error?: DependencyError) => void

/** Where the chain stands: what the next frame continues. */
export interface ChainPosition {
  /** The value in front of the next frame. */
  readonly chain: Chain
  /** The sequence of the next frame. */
  readonly nextSequence: number
  /** Highest outbox id so far; 0 when there is none. */
  readonly outboxHigh: number
}

/** UTF-8 needs at most three bytes for one UTF-16 unit. */
const UTF8_BYTES_PER_UNIT_MAX = 3

/**
 * A batch that is being filled. Frames are encoded and hashed when they come, while the disk is busy with
 * the batch before, into one buffer that is used again and again.
 */
export class BatchBuffer {
  readonly bytes: Buffer
  #limit = 0
  #end = BATCH_HEADER_BYTES
  #start: ChainPosition = { chain: '', nextSequence: 1, outboxHigh: 0 }
  #chain: Chain = ''
  #count = 0
  #outboxLowest = 0
  #outboxHighest = 0
  #dones: AppendDone[] = []

  /** `sizeBytes` bounds the batches that it can hold. */
  constructor(sizeBytes: number) {
    // A batch is written as a whole, and its padding is cleared when it is finished: what the buffer
    // holds before that never reaches the disk.
    this.bytes = Buffer.alloc(sizeBytes)
  }

  get count(): number {
    return this.#count
  }

  get lengthBytes(): number {
    return batchBytesFor(this.#end - BATCH_HEADER_BYTES)
  }

  /** Empties it. `roomBytes` is what the finished batch may take on disk. */
  begin(position: ChainPosition, roomBytes: number): void {
    const room = Math.min(roomBytes, this.bytes.length)
    this.#limit = room - (room % BATCH_ALIGNMENT) - BATCH_TRAILER_BYTES
    this.#end = BATCH_HEADER_BYTES
    this.#start = position
    this.#chain = position.chain
    this.#count = 0
    this.#outboxLowest = 0
    this.#outboxHighest = 0
    this.#dones = []
  }

  /** Adds a frame; false, and nothing changed, where it does not fit. */
  add(frame: string, done: AppendDone | undefined): boolean {
    const start = this.#end
    const textStart = start + RECORD_PREFIX_BYTES
    if (
      textStart + frame.length * UTF8_BYTES_PER_UNIT_MAX > this.#limit &&
      textStart + Buffer.byteLength(frame) > this.#limit
    ) {
      return false
    }
    const bytes = this.bytes
    const outboxId = outboxIdOf(frame)
    const length = bytes.write(frame, textStart, 'utf8')
    const end = textStart + length
    bytes.write(this.#chain, start, 'latin1')
    writeU64(bytes, this.#start.nextSequence + this.#count, start + 32)
    writeU64(bytes, outboxId, start + 40)
    bytes.writeUInt32BE(length, start + 48)
    // With its prefix in front the record lies in one piece: one one-shot hash, nothing copied.
    this.#chain = hash('sha256', bytes.subarray(start, end), 'latin1')
    if (outboxId > 0) this.#noteOutboxId(outboxId)
    this.#end = end
    this.#count += 1
    if (done !== undefined) this.#dones.push(done)
    return true
  }

  #noteOutboxId(id: number): void {
    this.#outboxLowest = this.#outboxLowest === 0 ? id : Math.min(this.#outboxLowest, id)
    this.#outboxHighest = Math.max(this.#outboxHighest, id)
  }

  get outboxLowest(): number {
    return this.#outboxLowest
  }

  get outboxHighest(): number {
    return this.#outboxHighest
  }

  /** Where the chain will stand once this batch is written. */
  get after(): ChainPosition {
    return {
      chain: this.#chain,
      nextSequence: this.#start.nextSequence + this.#count,
      outboxHigh: Math.max(this.#start.outboxHigh, this.#outboxHighest),
    }
  }

  /** Completes the bytes; the first `lengthBytes` of `bytes` are then the batch. */
  finish(index: number, writtenAt: number, macKey: KeyObject): void {
    const header = {
      lengthBytes: this.lengthBytes,
      count: this.#count,
      firstSequence: this.#start.nextSequence,
      payloadBytes: this.#end - BATCH_HEADER_BYTES,
      index,
      chainBefore: this.#start.chain,
      writtenAt,
      outboxLowest: this.#outboxLowest,
      outboxHighest: this.#outboxHighest,
      outboxHigh: Math.max(this.#start.outboxHigh, this.#outboxHighest),
    }
    encodeBatch(this.bytes, header, this.#chain, macKey)
  }

  /** The callbacks of its frames, in order; the caller calls each once. */
  takeDones(): readonly AppendDone[] {
    const dones = this.#dones
    this.#dones = []
    return dones
  }
}
