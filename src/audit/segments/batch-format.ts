import { createHmac, hash, type KeyObject } from 'node:crypto'
import {
  allZero,
  BATCH_ALIGNMENT,
  BATCH_BYTES_MAX,
  BATCH_HEADER_BYTES,
  BATCH_TRAILER_BYTES,
  type Chain,
  macMatches,
  RECORD_PREFIX_BYTES,
  readU64,
  writeU64,
} from './segment-format.ts'

/**
 * One batch: header, records, padding, trailer. **Source:** docs/formats/audit-segments.md, Batch.
 */

const BATCH_MAGIC = 'SR-BATCH'
const END_MAGIC = 'SR-BEND.'
const INTERNAL_START = '"internal":{'
const OUTBOX_MEMBER = '"outbox":'
const DIGIT_0 = 48

export interface BatchHeader {
  readonly lengthBytes: number
  readonly count: number
  readonly firstSequence: number
  /** All records together. */
  readonly payloadBytes: number
  /** From 1, in its segment. */
  readonly index: number
  readonly chainBefore: Chain
  /** Milliseconds since the Unix epoch. */
  readonly writtenAt: number
  /** Lowest and highest outbox id in the batch; 0 when there is none. */
  readonly outboxLowest: number
  readonly outboxHighest: number
  /** Highest outbox id in the log up to and including this batch. */
  readonly outboxHigh: number
}

/** One stored frame. */
export interface FrameRecord {
  readonly sequence: number
  /** Where its record begins, from the start of the batch. */
  readonly offset: number
  /** The id of the outbox entry it came through; 0 when it came directly. */
  readonly outboxId: number
  readonly text: string
  /** The chain value after it. */
  readonly chain: Chain
}

/**
 * The id of the outbox entry that a frame came through: the first member of its `internal`, or 0.
 * Looks at the text only, because it runs for every event.
 */
export function outboxIdOf(frame: string): number {
  const start = frame.indexOf(INTERNAL_START)
  if (start === -1 || !frame.startsWith(OUTBOX_MEMBER, start + INTERNAL_START.length)) return 0
  let id = 0
  for (let at = start + INTERNAL_START.length + OUTBOX_MEMBER.length; at < frame.length; at += 1) {
    const digit = frame.charCodeAt(at) - DIGIT_0
    if (digit < 0 || digit > 9) break
    id = id * 10 + digit
  }
  return Number.isSafeInteger(id) ? id : 0
}

/** The length of a batch with this many bytes of records. */
export const batchBytesFor = (payloadBytes: number): number =>
  Math.ceil((BATCH_HEADER_BYTES + payloadBytes + BATCH_TRAILER_BYTES) / BATCH_ALIGNMENT) *
  BATCH_ALIGNMENT

/** Writes header, padding and trailer around records that already stand at their place in `bytes`. */
export function encodeBatch(
  bytes: Buffer,
  header: BatchHeader,
  chainAfter: Chain,
  macKey: KeyObject,
): void {
  const end = header.lengthBytes
  bytes.fill(0, 0, BATCH_HEADER_BYTES)
  bytes.write(BATCH_MAGIC, 0, 'latin1')
  bytes.writeUInt32BE(end, 8)
  bytes.writeUInt32BE(header.count, 12)
  writeU64(bytes, header.firstSequence, 16)
  bytes.writeUInt32BE(header.payloadBytes, 24)
  bytes.writeUInt32BE(header.index, 28)
  bytes.write(header.chainBefore, 32, 'latin1')
  writeU64(bytes, header.writtenAt, 64)
  writeU64(bytes, header.outboxLowest, 72)
  writeU64(bytes, header.outboxHighest, 80)
  writeU64(bytes, header.outboxHigh, 88)
  bytes.write(headerCheck(bytes), 112, 'latin1')
  bytes.fill(0, BATCH_HEADER_BYTES + header.payloadBytes, end)
  bytes.write(chainAfter, end - 80, 'latin1')
  createHmac('sha256', macKey)
    .update(bytes.subarray(0, BATCH_HEADER_BYTES))
    .update(bytes.subarray(end - 80, end - 48))
    .digest()
    .copy(bytes, end - 48)
  bytes.writeUInt32BE(end, end - 16)
  bytes.write(END_MAGIC, end - 8, 'latin1')
}

const headerCheck = (bytes: Buffer): string =>
  hash('sha256', bytes.subarray(0, 112), 'latin1').slice(0, 16)

/** Whether these bytes, fewer than a header, could be the beginning of one. */
export const startsBatch = (bytes: Buffer): boolean =>
  BATCH_MAGIC.startsWith(bytes.toString('latin1', 0, Math.min(bytes.length, BATCH_MAGIC.length)))

/** Undefined unless all 128 bytes are as they were written (as far as can be told without a key). */
export function decodeBatchHeader(bytes: Buffer): BatchHeader | undefined {
  if (bytes.toString('latin1', 0, 8) !== BATCH_MAGIC) return undefined
  if (headerCheck(bytes) !== bytes.toString('latin1', 112, 128)) return undefined
  const header = {
    lengthBytes: bytes.readUInt32BE(8),
    count: bytes.readUInt32BE(12),
    firstSequence: readU64(bytes, 16),
    payloadBytes: bytes.readUInt32BE(24),
    index: bytes.readUInt32BE(28),
    chainBefore: bytes.toString('latin1', 32, 64),
    writtenAt: readU64(bytes, 64),
    outboxLowest: readU64(bytes, 72),
    outboxHighest: readU64(bytes, 80),
    outboxHigh: readU64(bytes, 88),
  }
  const sound =
    header.count > 0 &&
    header.lengthBytes <= BATCH_BYTES_MAX &&
    header.lengthBytes === batchBytesFor(header.payloadBytes) &&
    allZero(bytes, 96, 112)
  return sound ? header : undefined
}

/** The records of a batch, and its chain value at the end; or what is wrong with it. */
export type BatchContent =
  | { readonly ok: true; readonly chainAfter: Chain }
  | { readonly ok: false; readonly what: string; readonly sequence: number | undefined }

const bad = (what: string, sequence?: number): BatchContent => ({ ok: false, what, sequence })

/**
 * Checks everything of a batch whose header is known: records, their chain, padding, trailer and, with
 * a key, the MAC. Calls `visit` for each record on the way when it is given.
 */
export function checkBatch(
  bytes: Buffer,
  header: BatchHeader,
  macKey: KeyObject | undefined,
  visit?: (record: FrameRecord) => void,
): BatchContent {
  const payloadEnd = BATCH_HEADER_BYTES + header.payloadBytes
  const trailer = header.lengthBytes - BATCH_TRAILER_BYTES
  let at = BATCH_HEADER_BYTES
  let chain = header.chainBefore
  let lowest = 0
  let highest = 0
  for (let n = 0; n < header.count; n += 1) {
    const sequence = header.firstSequence + n
    const record = readRecord(bytes, at, payloadEnd)
    if (record === undefined || record.sequence !== sequence) {
      return bad('a record is not what its place says', sequence)
    }
    if (record.chainBefore !== chain) return bad('the hash chain is broken', sequence)
    chain = hash('sha256', bytes.subarray(at, record.end), 'latin1')
    if (record.outboxId > 0) {
      lowest = lowest === 0 ? record.outboxId : Math.min(lowest, record.outboxId)
      highest = Math.max(highest, record.outboxId)
    }
    if (visit !== undefined) {
      const text = bytes.toString('utf8', at + RECORD_PREFIX_BYTES, record.end)
      visit({ sequence, offset: at, outboxId: record.outboxId, text, chain })
    }
    at = record.end
  }
  if (at !== payloadEnd) return bad('its records do not fill it')
  if (chain !== bytes.toString('latin1', trailer, trailer + 32)) {
    return bad('its hash does not match', header.firstSequence + header.count - 1)
  }
  if (lowest !== header.outboxLowest || highest !== header.outboxHighest) {
    return bad('its outbox ids do not match')
  }
  if (macKey !== undefined && !batchMacMatches(bytes, header, macKey))
    return bad('its MAC does not match')
  return trailerIsWhole(bytes, header) ? { ok: true, chainAfter: chain } : bad('its end is damaged')
}

interface StoredRecord {
  readonly chainBefore: Chain
  readonly sequence: number
  readonly outboxId: number
  readonly end: number
}

function readRecord(bytes: Buffer, at: number, limit: number): StoredRecord | undefined {
  if (at + RECORD_PREFIX_BYTES > limit) return undefined
  const end = at + RECORD_PREFIX_BYTES + bytes.readUInt32BE(at + 48)
  if (end > limit) return undefined
  return {
    chainBefore: bytes.toString('latin1', at, at + 32),
    sequence: readU64(bytes, at + 32),
    outboxId: readU64(bytes, at + 40),
    end,
  }
}

function batchMacMatches(bytes: Buffer, header: BatchHeader, macKey: KeyObject): boolean {
  const end = header.lengthBytes
  const message = Buffer.concat([
    bytes.subarray(0, BATCH_HEADER_BYTES),
    bytes.subarray(end - 80, end - 48),
  ])
  return macMatches(macKey, message, bytes.subarray(end - 48, end - 16))
}

function trailerIsWhole(bytes: Buffer, header: BatchHeader): boolean {
  const end = header.lengthBytes
  return (
    allZero(bytes, BATCH_HEADER_BYTES + header.payloadBytes, end - BATCH_TRAILER_BYTES) &&
    bytes.readUInt32BE(end - 16) === end &&
    allZero(bytes, end - 12, end - 8) &&
    bytes.toString('latin1', end - 8, end) === END_MAGIC
  )
}
