import { OperatorError } from '../../core/errors.ts'
import { openSegment, segmentNumbers, segmentStart } from './segment-catalog.ts'
import { logFiles, type SegmentFiles } from './segment-files.ts'
import { SegmentWalk } from './segment-walk.ts'

/**
 * Finds the newest frame whose text a test takes, going backwards over the segments of a log that may be
 * live. Nothing is indexed: all that is read may be the whole log. Memory is bounded by the largest batch.
 * What is damaged is passed over: `verifyLog` is there to tell of it.
 * @param options.segmentsMax how many segments are read at most, the newest ones; all by default
 * @throws {OperatorError} where there is no log
 */
export async function findFrame(
  source: string | SegmentFiles,
  isWanted: (text: string) => boolean,
  options: { readonly segmentsMax?: number } = {},
): Promise<string | undefined> {
  const files = logFiles(source)
  const numbers = await segmentNumbers(files).catch((error: unknown) => {
    throw new OperatorError(`there is no audit log in ${files.folder}`, undefined, { cause: error })
  })
  for (const number of numbers.toReversed().slice(0, options.segmentsMax)) {
    const found = await findInSegment(files, number, isWanted)
    if (found !== undefined) return found
  }
  return undefined
}

/** The last frame of a segment that is wanted. */
async function findInSegment(
  files: SegmentFiles,
  number: number,
  isWanted: (text: string) => boolean,
): Promise<string | undefined> {
  const segment = await openSegment(files, number, 'read')
  try {
    if (segment.header === undefined) return undefined
    const { file, header } = segment
    const walk = new SegmentWalk({
      file,
      sizeBytes: header.sizeBytes,
      start: segmentStart(segment),
      collect: true,
      resync: true,
    })
    let found: string | undefined
    for await (const step of walk.steps()) {
      if (step.type !== 'batch') continue
      for (const { text } of step.records) if (isWanted(text)) found = text
    }
    return found
  } finally {
    await segment.file.close()
  }
}
