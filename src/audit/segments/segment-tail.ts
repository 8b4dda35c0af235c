import type { BatchHeader } from './batch-format.ts'
import { decodeBatchHeader, startsBatch } from './batch-format.ts'
import {
  allZero,
  BATCH_ALIGNMENT,
  BATCH_BYTES_MAX,
  BATCH_HEADER_BYTES,
  SECTOR_BYTES,
} from './segment-format.ts'
import type { SegmentWindow } from './segment-window.ts'

/** What stands where the next batch would begin. */
export type Tail =
  | { readonly state: 'clean' }
  /** A write that was cut short; `end` is one past its last byte that is not zero. */
  | { readonly state: 'torn'; readonly end: number }
  | { readonly state: 'damaged'; readonly what: string }

/**
 * Tells what a write that was cut short leaves from damage. Call it where no whole batch begins at `at`;
 * `header` is the batch header there, when that much is whole.
 * **Source:** docs/formats/audit-segments.md, Torn tail or damage.
 */
export async function classifyTail(
  window: SegmentWindow,
  at: number,
  dataEnd: number,
  header: BatchHeader | undefined,
): Promise<Tail> {
  const end = await window.endOfData(at, dataEnd)
  if (end === at) return { state: 'clean' }
  if (header !== undefined) return classifyBody(window, at, end, header)
  const size = Math.min(BATCH_HEADER_BYTES, dataEnd - at)
  const start = Buffer.from(await window.view(at, size))
  if (allZero(start, 0, start.length)) return classifyHeaderless(window, at, end)
  const torn = end - at < BATCH_HEADER_BYTES && startsBatch(start.subarray(0, end - at))
  return torn ? { state: 'torn', end } : { state: 'damaged', what: 'no batch begins here' }
}

/** The header is whole: is there a hole in the range that it announces? */
async function classifyBody(
  window: SegmentWindow,
  at: number,
  end: number,
  header: BatchHeader,
): Promise<Tail> {
  const announcedEnd = at + header.lengthBytes
  if (end > announcedEnd) return { state: 'damaged', what: 'bytes follow an incomplete batch' }
  if (end < announcedEnd) return { state: 'torn', end }
  const bytes = await window.view(at, header.lengthBytes)
  for (let from = 0; from < bytes.length; ) {
    const to = Math.min(bytes.length, from + SECTOR_BYTES - ((at + from) % SECTOR_BYTES))
    if (allZero(bytes, from, to)) return { state: 'torn', end }
    from = to
  }
  return { state: 'damaged', what: 'the batch is complete but was altered' }
}

/** The header's sector is missing: only the later sectors of one batch may be there. */
async function classifyHeaderless(window: SegmentWindow, at: number, end: number): Promise<Tail> {
  const follower = await findBatch(window, at + BATCH_ALIGNMENT, end)
  if (follower !== undefined) return { state: 'damaged', what: 'a batch is missing here' }
  return end - at <= BATCH_BYTES_MAX
    ? { state: 'torn', end }
    : { state: 'damaged', what: 'bytes stand where nothing was written' }
}

/** The first place from `from` on where a whole batch header stands; undefined where there is none before `end`. */
export async function findBatch(
  window: SegmentWindow,
  from: number,
  end: number,
): Promise<number | undefined> {
  const aligned = Math.ceil(from / BATCH_ALIGNMENT) * BATCH_ALIGNMENT
  for (let at = aligned; at + BATCH_HEADER_BYTES <= end; at += BATCH_ALIGNMENT) {
    if (decodeBatchHeader(await window.view(at, BATCH_HEADER_BYTES)) !== undefined) return at
  }
  return undefined
}
