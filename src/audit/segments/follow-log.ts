import type { AuditDamage } from './audit-log.ts'
import type { ReadFrame } from './read-frames.ts'
import { type OpenSegment, openSegment, segmentNumbers, segmentStart } from './segment-catalog.ts'
import type { SegmentFiles } from './segment-files.ts'
import {
  BATCH_TRAILER_BYTES,
  type Chain,
  chainFromHex,
  chainToHex,
  SEGMENT_HEADER_BYTES,
} from './segment-format.ts'
import { SegmentWalk } from './segment-walk.ts'

/** How far somebody has read a log: the end of a batch. Plain JSON, to be kept beside what was made of the log. */
export interface LogMark {
  /** Of the newest frame that was read; 0 before the first. */
  readonly sequence: number
  readonly segment: number
  /** Where the next batch begins in that segment. Unit: bytes. */
  readonly offset: number
  /** Batches of the segment that were read. */
  readonly batches: number
  /** What the next batch must continue, 64 hex digits. */
  readonly chain: string
  readonly outboxHigh: number
}

/** One write of the log, and the mark behind it. */
export interface ReadBatch {
  readonly frames: readonly ReadFrame[]
  readonly mark: LogMark
}

export interface FollowOptions {
  /** Where to go on; the oldest segment by default. */
  readonly after?: LogMark | undefined
  /** The newest frame to read; a live log's newest durable one. Default: to the end. */
  readonly to?: number
  /** Told of each place that is not what was written; reading goes on behind it. */
  readonly onDamage: (damage: AuditDamage) => void
}

/**
 * Reads a log batch by batch, from a mark on: what was read before is neither read nor looked for again. Checks the
 * chain, but no MACs. Segments that are gone are passed over.
 */
export async function* followLog(
  files: SegmentFiles,
  { after, to = Number.POSITIVE_INFINITY, onDamage }: FollowOptions,
): AsyncGenerator<ReadBatch, void, undefined> {
  if (after !== undefined && after.sequence >= to) return
  let mark = after
  for (;;) {
    const numbers = await segmentNumbers(files)
    const number = numbers.find((each) => each >= (mark?.segment ?? 0))
    if (number === undefined) return
    const end = yield* batchesOf(files, number, { after: mark, to, onDamage })
    const next = numbers.find((each) => each > number)
    if (end === 'reached' || next === undefined) return
    mark = { ...(end ?? mark ?? NOTHING_READ), segment: number + 1, batches: 0 }
  }
}

const NOTHING_READ: LogMark = {
  sequence: 0,
  segment: 0,
  offset: SEGMENT_HEADER_BYTES,
  batches: 0,
  chain: '',
  outboxHigh: 0,
}

/** Reads the rest of one segment; returns the mark at its end, or that `to` was reached. */
async function* batchesOf(
  files: SegmentFiles,
  number: number,
  { after, to, onDamage }: Required<FollowOptions>,
): AsyncGenerator<ReadBatch, LogMark | 'reached' | undefined, undefined> {
  const segment = await openSegment(files, number, 'read')
  try {
    if (segment.header === undefined) {
      onDamage({ file: segment.name, offset: segment.offset, what: segment.what })
      return after
    }
    let mark = markIn(segment, after)
    const walk = new SegmentWalk({
      file: segment.file,
      sizeBytes: segment.header.sizeBytes,
      start: {
        chain: chainFromHex(mark.chain),
        nextSequence: mark.batches > 0 ? mark.sequence + 1 : segment.header.firstSequence,
        outboxHigh: mark.outboxHigh,
      },
      resume: mark,
      collect: true,
      resync: true,
    })
    for await (const step of walk.steps()) {
      if (step.type === 'problem') {
        onDamage({ file: segment.name, offset: step.offset, what: step.what })
      } else if (step.type === 'batch') {
        const sequence = step.after.nextSequence - 1
        if (sequence > to) return 'reached'
        mark = {
          sequence,
          segment: number,
          offset: step.offset + step.header.lengthBytes,
          batches: step.header.index,
          chain: chainToHex(step.after.chain),
          outboxHigh: step.after.outboxHigh,
        }
        const frames = step.records.map((record) => ({
          ...record,
          segment: number,
          offset: step.offset + record.offset,
        }))
        yield { frames, mark }
        if (sequence === to) return 'reached'
      }
    }
    return mark
  } finally {
    await segment.file.close()
  }
}

/** The mark, where it stands in this segment; else the segment's beginning. */
function markIn(segment: OpenSegment, after: LogMark | undefined): LogMark {
  const { header } = segment
  if (after?.segment === header.number && after.batches > 0) return after
  const start = segmentStart(segment)
  return {
    sequence: start.nextSequence - 1,
    segment: header.number,
    offset: SEGMENT_HEADER_BYTES,
    batches: 0,
    chain: chainToHex(start.chain),
    outboxHigh: start.outboxHigh,
  }
}

/**
 * Whether a mark belongs to the log that is there now: not to one that was put back from a backup, cut off or
 * begun anew. A mark in a segment that was removed with all before it belongs to a log that goes on behind it.
 */
export async function isMarkOf(
  files: SegmentFiles,
  mark: LogMark,
  nodeId: string,
): Promise<boolean> {
  const numbers = await segmentNumbers(files)
  const number = numbers.find((each) => each >= mark.segment)
  if (number === undefined) return false
  const segment = await openSegment(files, number, 'read')
  try {
    const { header } = segment
    if (header === undefined || header.nodeId !== nodeId) return false
    if (number > mark.segment) return header.firstSequence > mark.sequence
    return (await chainAt(segment, mark)) === chainFromHex(mark.chain)
  } finally {
    await segment.file.close()
  }
}

/** The chain value at the end of the batch that ends where the mark stands. */
async function chainAt(segment: OpenSegment, { offset, batches }: LogMark): Promise<Chain> {
  if (batches === 0) return segmentStart(segment).chain
  const bytes = Buffer.alloc(32)
  const read = await segment.file.read(bytes, offset - BATCH_TRAILER_BYTES)
  return bytes.toString('latin1', 0, read)
}
