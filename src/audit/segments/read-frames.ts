import { IntegrityError, OperatorError } from '../../core/errors.ts'
import type { AuditDamage } from './audit-log.ts'
import type { ChainPosition } from './batch-buffer.ts'
import { type OpenSegment, openSegment, segmentNumbers, segmentStart } from './segment-catalog.ts'
import { logFiles, type SegmentFiles } from './segment-files.ts'
import { type Chain, segmentName } from './segment-format.ts'
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
  /** The chain value after it. */
  readonly chain: Chain
}

export interface ReadOptions {
  /** The first sequence to hand out; 1 by default. */
  readonly from?: number
  /** Told when the log ends with a write that was cut short (or, in a live log, is still under way). */
  readonly onTornTail?: (place: { readonly file: string; readonly offset: number }) => void
  /** Told of each place that is not what was written; reading then goes on behind it, instead of throwing. */
  readonly onDamage?: (damage: AuditDamage) => void
}

/**
 * Reads the frames in order, from a stopped log, a copy of one, or a live one: it ends behind the newest frame that was whole
 * when it got there. Checks the chain, but no MACs: `verifyLog` does. Memory is bounded by the largest batch.
 * @throws {OperatorError} where there is no log.
 * @throws {IntegrityError} where the log is not what was written, after all frames before that place
 *   (without `onDamage`).
 */
export async function* readFrames(
  source: string | SegmentFiles,
  options: ReadOptions = {},
): AsyncGenerator<ReadFrame, void, undefined> {
  const files = logFiles(source)
  const from = options.from ?? 1
  const damage = options.onDamage ?? refuseDamage
  let number = await segmentWith(files, from)
  let before: ChainPosition | undefined
  while (number !== undefined) {
    const segment = await openSegment(files, number, 'read')
    try {
      if (segment.header === undefined) {
        damage({ file: segment.name, offset: segment.offset, what: segment.what })
        before = undefined
      } else {
        if (!continues(segment, before)) {
          damage({ file: segment.name, offset: 0, what: 'it does not continue the segment before' })
        }
        before = yield* framesOf(segment, from, options)
      }
    } finally {
      await segment.file.close()
    }
    // Listed again, because a live log may have begun another one meanwhile.
    const last: number = number
    number = (await segmentNumbers(files)).find((other) => other > last)
    if (number !== undefined && number !== last + 1) {
      damage({ file: segmentName(last + 1), offset: 0, what: 'the segment is missing' })
      before = undefined
    }
  }
}

function refuseDamage({ file, offset, what }: AuditDamage): never {
  throw new IntegrityError(`the audit log is damaged: ${file} at offset ${offset}: ${what}`)
}

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

/** A segment that begins after accepted damage says so itself, and continues nothing. */
const continues = ({ header }: OpenSegment, before: ChainPosition | undefined): boolean =>
  before === undefined ||
  header.afterDamage ||
  (header.firstSequence === before.nextSequence && header.previousChain === before.chain)

/** Hands out the frames of one segment; returns where its chain ends. */
async function* framesOf(
  segment: OpenSegment,
  from: number,
  { onTornTail, onDamage }: ReadOptions,
): AsyncGenerator<ReadFrame, ChainPosition, undefined> {
  const { file, header, name } = segment
  const start = segmentStart(segment)
  const resync = onDamage !== undefined
  const sizeBytes = header.sizeBytes
  const walk = new SegmentWalk({ file, sizeBytes, start, from, collect: true, resync })
  for await (const step of walk.steps()) {
    if (step.type === 'problem') {
      const damage = onDamage ?? refuseDamage
      damage({ file: name, offset: step.offset, what: step.what })
    } else if (step.type === 'end') {
      if (step.tornEnd !== undefined) onTornTail?.({ file: name, offset: step.offset })
      const chain = step.batches > 0 ? step.after.chain : header.previousChain
      return { ...step.after, chain }
    } else {
      for (const { sequence, offset, outboxId, text, chain } of step.records) {
        if (sequence < from) continue
        const place = { segment: header.number, offset: step.offset + offset }
        yield { sequence, ...place, outboxId, text, chain }
      }
    }
  }
  return start
}
