import { type Instant, instant } from '../../core/ids.ts'
import type { AuditHead } from './audit-log.ts'
import { openSegment, segmentNumbers } from './segment-catalog.ts'
import type { SegmentFiles } from './segment-files.ts'
import { chainToHex, type SegmentHeader, segmentName } from './segment-format.ts'

/**
 * Where a log begins whose oldest segments retention has removed: behind the frame `sequence`, whose chain value is
 * `chain`. It has to be noted outside of the log, or anybody could have removed them.
 */
export interface LogFloor extends AuditHead {
  /** The number of the oldest segment that must be there. */
  readonly segment: number
  /** Highest outbox id in what was removed; 0 when there is none. */
  readonly outboxHigh: number
}

export interface FloorQuery {
  /** Only segments whose last frame was written before this. */
  readonly before: Instant
  /** Only segments all of whose frames are up to this one. */
  readonly through: number
}

/** How far the oldest segments can go, of those that fit the query; undefined where none does. The newest one never goes. */
export async function findFloor(
  files: SegmentFiles,
  { before, through }: FloorQuery,
): Promise<LogFloor | undefined> {
  let floor: LogFloor | undefined
  for (const number of (await segmentNumbers(files)).slice(1)) {
    // What begins a segment says all of the one in front, damaged or not.
    const header = await headerOf(files, number)
    const isRemovable =
      header !== undefined && header.createdAt <= before && header.firstSequence <= through + 1
    if (!isRemovable) break
    floor = {
      segment: number,
      sequence: header.firstSequence - 1,
      chain: chainToHex(header.previousChain),
      outboxHigh: header.outboxHigh,
    }
  }
  return floor
}

async function headerOf(files: SegmentFiles, number: number): Promise<SegmentHeader | undefined> {
  const { header, file } = await openSegment(files, number, 'read')
  await file.close()
  return header
}

/** When the newest segment was begun; undefined where there is none, or it is damaged. */
export async function newestBegun(files: SegmentFiles): Promise<Instant | undefined> {
  const newest = (await segmentNumbers(files)).at(-1)
  const header = newest === undefined ? undefined : await headerOf(files, newest)
  return header === undefined ? undefined : instant(header.createdAt)
}

/** Removes the segments in front of a floor that was noted, oldest first. Succeeds also where they are gone already. */
export async function removeBelow(files: SegmentFiles, { segment }: LogFloor): Promise<number> {
  const numbers = (await segmentNumbers(files)).filter((number) => number < segment)
  for (const number of numbers) await files.remove(segmentName(number))
  return numbers.length
}
