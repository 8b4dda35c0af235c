import { IntegrityError, OperatorError } from '../core/errors.ts'
import type { ChainPosition } from './batch-buffer.ts'
import { type OpenSegment, openSegment, segmentNumbers, segmentStart } from './segment-catalog.ts'
import { logFiles, type SegmentFiles } from './segment-files.ts'
import { segmentName } from './segment-format.ts'
import { SegmentWalk } from './segment-walk.ts'

/** A frame as it stands in the log. */
export interface ReadFrame {
  readonly sequence: number
  readonly segment: number
  /** Where its record begins in the segment's file. Unit: bytes. */
  readonly offset: number
  /** The outbox entry it came through; 0 when it came directly. */
  readonly outboxId: number
  /** The JSON text of the frame. */
  readonly text: string
}

export interface ReadOptions {
  /** The first sequence to hand out; 1 by default. */
  readonly from?: number
  /** Told when the log ends with a write that was cut short (or, in a live log, is still under way). */
  readonly onTornTail?: (place: { readonly file: string; readonly offset: number }) => void
}

/**
 * Reads the frames in order, from a stopped log, a copy of one, or a live one: it ends behind the newest frame that was whole
 * when it got there. Checks the chain, but no MACs: `verifyLog` does. Memory is bounded by the largest batch.
 * @throws {OperatorError} where there is no log.
 * @throws {IntegrityError} where the log is not what was written, after all frames before that place.
 */
export async function* readFrames(
  source: string | SegmentFiles,
  options: ReadOptions = {},
): AsyncGenerator<ReadFrame, void, undefined> {
  const files = logFiles(source)
  const from = options.from ?? 1
  let number = await segmentWith(files, from)
  let before: ChainPosition | undefined
  while (number !== undefined) {
    const segment = await openSegment(files, number, 'read')
    try {
      if (segment.header === undefined) throw damaged(segment.name, segment.offset, segment.what)
      checkJoint(segment, before)
      before = yield* framesOf(segment, from, options)
    } finally {
      await segment.file.close()
    }
    number = await follower(files, number)
  }
}

const damaged = (name: string, offset: number, what: string): IntegrityError =>
  new IntegrityError(`the audit log is damaged: ${name} at offset ${offset}: ${what}`)

/** The segment that contains `from`, or the first one behind it. */
async function segmentWith(files: SegmentFiles, from: number): Promise<number | undefined> {
  const numbers = await segmentNumbers(files).catch((error: unknown) => {
    throw new OperatorError(`there is no audit log in ${files.folder}`, undefined, { cause: error })
  })
  for (const number of numbers.toReversed()) {
    const { header, file } = await openSegment(files, number, 'read')
    await file.close()
    if (header !== undefined && header.firstSequence <= from) return number
  }
  return numbers[0]
}

/** The next segment; the list is read again because a live log may have begun it meanwhile. */
async function follower(files: SegmentFiles, number: number): Promise<number | undefined> {
  const later = (await segmentNumbers(files)).filter((other) => other > number)
  const next = later[0]
  if (next !== undefined && next !== number + 1) {
    throw damaged(segmentName(number + 1), 0, 'the segment is missing')
  }
  return next
}

function checkJoint({ name, header }: OpenSegment, before: ChainPosition | undefined): void {
  if (before === undefined || header.afterDamage) return
  if (header.firstSequence !== before.nextSequence || header.previousChain !== before.chain) {
    throw damaged(name, 0, 'the segment does not continue the one before')
  }
}

/** Hands out the frames of one segment; returns where its chain ends. */
async function* framesOf(
  segment: OpenSegment,
  from: number,
  { onTornTail }: ReadOptions,
): AsyncGenerator<ReadFrame, ChainPosition, undefined> {
  const { file, header, name } = segment
  const start = segmentStart(segment)
  const walk = new SegmentWalk({ file, sizeBytes: header.sizeBytes, start, from, collect: true })
  for await (const step of walk.steps()) {
    if (step.type === 'problem') throw damaged(name, step.offset, step.what)
    if (step.type === 'end') {
      if (step.tornEnd !== undefined) onTornTail?.({ file: name, offset: step.offset })
      const chain = step.batches > 0 ? step.after.chain : header.previousChain
      return { ...step.after, chain }
    }
    for (const { sequence, offset, outboxId, text } of step.records) {
      if (sequence < from) continue
      yield { sequence, segment: header.number, offset: step.offset + offset, outboxId, text }
    }
  }
  return start
}
