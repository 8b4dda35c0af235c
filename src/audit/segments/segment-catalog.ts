import type { ChainPosition } from './batch-buffer.ts'
import type { SegmentFile, SegmentFiles } from './segment-files.ts'
import {
  allZero,
  chainStartOf,
  decodeSeal,
  decodeSegmentHeader,
  SEAL_BYTES,
  SEGMENT_HEADER_BYTES,
  type Seal,
  type SegmentHeader,
  segmentName,
  segmentNumberOf,
} from './segment-format.ts'

/** The end of a segment, where its seal stands once it is full. */
export type SealState =
  | { readonly state: 'unsealed' }
  | { readonly state: 'sealed'; readonly seal: Seal; readonly bytes: Buffer }
  /** The write of the seal was cut short. */
  | { readonly state: 'torn' }
  | { readonly state: 'damaged' }

/** A segment whose header is whole. MACs have not been checked. */
export interface OpenSegment {
  readonly name: string
  readonly file: SegmentFile
  readonly header: SegmentHeader
  readonly headerBytes: Buffer
  readonly seal: SealState
}

export interface BrokenSegment {
  readonly name: string
  readonly file: SegmentFile
  readonly header: undefined
  readonly fileBytes: number
  readonly offset: number
  readonly what: string
}

/** The numbers of the segments in the folder, ascending. */
export async function segmentNumbers(files: SegmentFiles): Promise<number[]> {
  const numbers = (await files.list()).map(segmentNumberOf).filter((number) => number !== undefined)
  return numbers.sort((a, b) => a - b)
}

/** Opens a segment and reads its header and seal. The caller closes the file. */
export async function openSegment(
  files: SegmentFiles,
  number: number,
  mode: 'read' | 'write',
): Promise<OpenSegment | BrokenSegment> {
  const name = segmentName(number)
  const file = await files.open(name, mode)
  try {
    return await describeSegment(file, name, number)
  } catch (error) {
    await file.close()
    throw error
  }
}

async function describeSegment(
  file: SegmentFile,
  name: string,
  number: number,
): Promise<OpenSegment | BrokenSegment> {
  const fileBytes = await file.sizeBytes()
  const broken = (what: string, offset = 0): BrokenSegment => ({
    name,
    file,
    header: undefined,
    fileBytes,
    offset,
    what,
  })
  const headerBytes = Buffer.alloc(SEGMENT_HEADER_BYTES)
  await file.read(headerBytes, 0)
  const header = decodeSegmentHeader(headerBytes)
  if (header === undefined) return broken('the segment header is damaged')
  if (header.number !== number) return broken(`the header says segment ${header.number}`)
  if (fileBytes !== header.sizeBytes) {
    return broken(`the file has ${fileBytes} bytes instead of ${header.sizeBytes}`, fileBytes)
  }
  const sealBytes = Buffer.alloc(SEAL_BYTES)
  await file.read(sealBytes, fileBytes - SEAL_BYTES)
  return { name, file, header, headerBytes, seal: sealState(sealBytes) }
}

function sealState(bytes: Buffer): SealState {
  if (allZero(bytes, 0, SEAL_BYTES)) return { state: 'unsealed' }
  const seal = decodeSeal(bytes)
  if (seal !== undefined) return { state: 'sealed', seal, bytes }
  return bytes[SEAL_BYTES - 1] === 0 ? { state: 'torn' } : { state: 'damaged' }
}

/** What the first batch of the segment continues. */
export const segmentStart = ({ header, headerBytes }: OpenSegment): ChainPosition => ({
  chain: chainStartOf(headerBytes),
  nextSequence: header.firstSequence,
  outboxHigh: header.outboxHigh,
})
