import { IntegrityError } from '../core/errors.ts'
import { openSegment, segmentNumbers, segmentStart } from './segment-catalog.ts'
import { logFiles, type SegmentFiles } from './segment-files.ts'
import { type BatchStep, SegmentWalk } from './segment-walk.ts'

/**
 * Which of these outbox entries are in the log already. Goes backwards over the segments, and only as far as needed: every
 * segment says the highest id before it and (once sealed) the ids within it.
 * Call it before the log is opened for writing, or on a log to which nothing is being appended.
 * @throws {IntegrityError} where the log is damaged on the way.
 */
export async function findOutboxIds(
  source: string | SegmentFiles,
  ids: Iterable<number>,
): Promise<Set<number>> {
  const files = logFiles(source)
  const wanted = new Set(ids)
  const found = new Set<number>()
  const numbers = await segmentNumbers(files)
  for (const number of numbers.toReversed()) {
    if (wanted.size === 0) break
    const earlierHigh = await searchSegment(files, number, wanted, found)
    // What is higher than all earlier ids is not in earlier segments.
    for (const id of wanted) if (id > earlierHigh) wanted.delete(id)
  }
  return found
}

/** Moves what the segment has from `wanted` to `found`; returns the highest id of all earlier segments. */
async function searchSegment(
  files: SegmentFiles,
  number: number,
  wanted: Set<number>,
  found: Set<number>,
): Promise<number> {
  const segment = await openSegment(files, number, 'read')
  try {
    if (segment.header === undefined) throw new IntegrityError(`${segment.name}: ${segment.what}`)
    const { header, file, seal, name } = segment
    const { outboxLowest, outboxHighest } =
      seal.state === 'sealed'
        ? seal.seal
        : { outboxLowest: 1, outboxHighest: Number.MAX_SAFE_INTEGER }
    const candidates = [...wanted].filter((id) => id >= outboxLowest && id <= outboxHighest)
    if (outboxLowest === 0 || candidates.length === 0) return header.outboxHigh
    const sizeBytes = header.sizeBytes
    const walk = new SegmentWalk({ file, sizeBytes, start: segmentStart(segment), collect: true })
    for await (const step of walk.steps()) {
      if (step.type === 'problem')
        throw new IntegrityError(`${name} at offset ${step.offset}: ${step.what}`)
      if (step.type === 'batch') takeFrom(step, wanted, found)
    }
    return header.outboxHigh
  } finally {
    await segment.file.close()
  }
}

function takeFrom({ records }: BatchStep, wanted: Set<number>, found: Set<number>): void {
  for (const { outboxId } of records) {
    if (outboxId > 0 && wanted.delete(outboxId)) found.add(outboxId)
  }
}
