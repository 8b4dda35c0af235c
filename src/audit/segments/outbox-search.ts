import { IntegrityError } from '../../core/errors.ts'
import { type OpenSegment, openSegment, segmentNumbers, segmentStart } from './segment-catalog.ts'
import { logFiles, type SegmentFiles } from './segment-files.ts'
import { type BatchStep, SegmentWalk } from './segment-walk.ts'

/** Higher than any outbox id. */
const NO_BOUND = Number.MAX_SAFE_INTEGER

/**
 * Which of these outbox entries are in the log already. Goes backwards over the segments, and only as far as needed:
 * every segment says the highest id before it and (once sealed) the ids within it. Behind damage that the operator
 * accepted, now or earlier, it takes what can be read: an entry that the damage hides is reported as absent.
 * Call it on a log to which nothing is being appended.
 * @throws {IntegrityError} where the log is damaged on the way.
 */
export async function findOutboxIds(
  source: string | SegmentFiles,
  ids: Iterable<number>,
  options: { readonly acceptDamage?: boolean } = {},
): Promise<Set<number>> {
  const files = logFiles(source)
  const damageAccepted = options.acceptDamage === true
  const search: Search = { wanted: new Set(ids), found: new Set(), damageAccepted }
  const numbers = await segmentNumbers(files)
  for (const number of numbers.toReversed()) {
    if (search.wanted.size === 0) break
    const earlierHigh = await searchSegment(files, number, search)
    // What is higher than all earlier ids is not in earlier segments.
    for (const id of search.wanted) if (id > earlierHigh) search.wanted.delete(id)
  }
  return search.found
}

interface Search {
  readonly wanted: Set<number>
  readonly found: Set<number>
  /** By the operator, now, or when a later segment was begun. */
  damageAccepted: boolean
}

/** Moves what the segment has from `wanted` to `found`; returns the highest id of all earlier segments. */
async function searchSegment(files: SegmentFiles, number: number, search: Search): Promise<number> {
  const segment = await openSegment(files, number, 'read')
  try {
    if (segment.header === undefined) {
      if (search.damageAccepted) return NO_BOUND
      throw new IntegrityError(`${segment.name}: ${segment.what}`)
    }
    if (mayHold(segment, search.wanted)) await searchBatches(segment, search)
    if (!segment.header.afterDamage) return segment.header.outboxHigh
    search.damageAccepted = true
    return NO_BOUND
  } finally {
    await segment.file.close()
  }
}

/** Without a seal nothing is known of what the segment holds. */
function mayHold({ seal }: OpenSegment, wanted: ReadonlySet<number>): boolean {
  if (seal.state !== 'sealed') return true
  const { outboxLowest, outboxHighest } = seal.seal
  return outboxLowest > 0 && [...wanted].some((id) => id >= outboxLowest && id <= outboxHighest)
}

async function searchBatches(segment: OpenSegment, search: Search): Promise<void> {
  const { name, file, header } = segment
  const start = segmentStart(segment)
  const resync = search.damageAccepted
  const walk = new SegmentWalk({ file, sizeBytes: header.sizeBytes, start, collect: true, resync })
  for await (const step of walk.steps()) {
    if (step.type === 'batch') takeFrom(step, search)
    else if (step.type === 'problem' && !search.damageAccepted) {
      throw new IntegrityError(`${name} at offset ${step.offset}: ${step.what}`)
    }
  }
}

function takeFrom({ records }: BatchStep, { wanted, found }: Search): void {
  for (const { outboxId } of records) {
    if (outboxId > 0 && wanted.delete(outboxId)) found.add(outboxId)
  }
}
