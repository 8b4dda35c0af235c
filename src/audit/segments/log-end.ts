import type { KeyObject } from 'node:crypto'
import { OperatorError } from '../../core/errors.ts'
import type { AuditDamage, AuditHead } from './audit-log.ts'
import { type OpenSegment, openSegment, segmentNumbers, segmentStart } from './segment-catalog.ts'
import type { SegmentFile, SegmentFiles } from './segment-files.ts'
import {
  type Chain,
  chainStartOf,
  chainToHex,
  checkSealMac,
  checkSegmentHeaderMac,
  NO_CHAIN,
  SEAL_BYTES,
  type SegmentHeader,
  segmentName,
} from './segment-format.ts'
import { type BatchStep, type EndStep, SegmentWalk } from './segment-walk.ts'

/** The last segment of a log, checked, and open for writing. */
export interface LastSegment {
  readonly file: SegmentFile
  readonly header: SegmentHeader
  readonly chainStart: Chain
  readonly macKey: KeyObject
  readonly walked: EndStep
  readonly sealed: boolean
  readonly tornSeal: boolean
}

/** What a start finds: where the log ends, or why it cannot be continued. */
export interface LogEnd {
  /** Absent where there is no segment, or the last one is damaged too much; otherwise the caller closes its file. */
  readonly last: LastSegment | undefined
  readonly damage: AuditDamage | undefined
  /** 0 where there is no segment. */
  readonly lastNumber: number
  readonly lastName: string
  /** The highest sequence that any readable part of the last segments mentions. */
  readonly lastSequenceSeen: number
  /** The chain value after the newest frame that is whole. */
  readonly lastChain: Chain
  readonly outboxHigh: number
}

export interface InspectOptions {
  readonly nodeId: string
  readonly keyOf: (macKeyId: string) => KeyObject | undefined
  readonly expectedHead: AuditHead | undefined
}

const EMPTY: LogEnd = {
  last: undefined,
  damage: undefined,
  lastNumber: 0,
  lastName: '',
  lastSequenceSeen: 0,
  lastChain: NO_CHAIN,
  outboxHigh: 0,
}

/**
 * Reads the last segment and checks all of it; of the others, that they are there.
 * @throws {OperatorError} where the log belongs to another node or needs a key that is not known.
 */
export async function inspectLog(files: SegmentFiles, options: InspectOptions): Promise<LogEnd> {
  const numbers = await segmentNumbers(files)
  const lastNumber = numbers.at(-1)
  const { expectedHead } = options
  if (lastNumber === undefined) {
    const cutOff = expectedHead !== undefined && expectedHead.sequence > 0
    return cutOff ? { ...EMPTY, damage: missing(undefined, 'all segments are missing') } : EMPTY
  }
  const end = await inspectLast(files, lastNumber, options)
  const gap = numbers.findIndex((number, at) => at > 0 && number !== (numbers[at - 1] ?? 0) + 1)
  if (end.damage === undefined && gap !== -1) {
    const name = segmentName((numbers[gap] ?? 0) - 1)
    return { ...end, damage: missing(name, 'the segment is missing') }
  }
  if (end.damage !== undefined || expectedHead === undefined || expectedHead.sequence === 0)
    return end
  // A head from before damage that was accepted: the frames behind it may be what the damage hides.
  const lastHeader = end.last?.header
  if (lastHeader?.afterDamage === true && lastHeader.firstSequence > expectedHead.sequence)
    return end
  const chain = await chainAt(files, numbers, expectedHead.sequence)
  if (chain !== undefined && chainToHex(chain) === expectedHead.chain) return end
  const what =
    chain === undefined
      ? `the log was cut off: frame ${expectedHead.sequence} was in it`
      : `frame ${expectedHead.sequence} is not the one that was written`
  const offset = end.last?.walked.offset ?? 0
  return { ...end, damage: { file: end.lastName, offset, what } }
}

const missing = (file: string | undefined, what: string): AuditDamage => ({ file, offset: 0, what })

async function inspectLast(
  files: SegmentFiles,
  number: number,
  options: InspectOptions,
): Promise<LogEnd> {
  const segment = await openSegment(files, number, 'write')
  const found = { ...EMPTY, lastNumber: number, lastName: segment.name }
  if (segment.header === undefined) {
    await segment.file.close()
    const damage = { file: segment.name, offset: segment.offset, what: segment.what }
    return { ...found, damage, ...(await highestBefore(files, number)) }
  }
  const { header, file } = segment
  try {
    const macKey = keyFor(files, segment, options)
    return { ...found, ...(await walkLast(segment, macKey)) }
  } catch (error) {
    await file.close()
    throw error
  }

  function keyFor(
    of: SegmentFiles,
    { name }: OpenSegment,
    { nodeId, keyOf }: InspectOptions,
  ): KeyObject {
    if (header.nodeId !== nodeId) {
      throw new OperatorError(
        `the audit log in ${of.folder} belongs to node ${header.nodeId}, this is ${nodeId}`,
        'put log, store and node-id of one backup together',
      )
    }
    const key = keyOf(header.macKeyId)
    if (key !== undefined) return key
    throw new OperatorError(
      `${of.folder}/${name} was written with the key ${header.macKeyId}, which is not known`,
      'the log is of another store, or the store is older than a rotation: put log and store of one backup together',
    )
  }
}

/**
 * A segment as its key shows it: a seal that ends in a zero and whose MAC does not match was cut short in the MAC itself.
 * Only a last segment can have one; it gets a new seal.
 */
export function withTornSeal(segment: OpenSegment, macKey: KeyObject | undefined): OpenSegment {
  const { seal } = segment
  const isCut =
    seal.state === 'sealed' &&
    seal.bytes.at(-1) === 0 &&
    macKey !== undefined &&
    !checkSealMac(seal.bytes, macKey)
  return isCut ? { ...segment, seal: { state: 'torn' } } : segment
}

async function walkLast(opened: OpenSegment, macKey: KeyObject): Promise<Partial<LogEnd>> {
  const segment = withTornSeal(opened, macKey)
  const { name, file, header, headerBytes, seal } = segment
  const start = segmentStart(segment)
  let what: { readonly offset: number; readonly what: string } | undefined
  if (!checkSegmentHeaderMac(headerBytes, macKey)) {
    what = { offset: 0, what: 'the MAC of the segment header does not match' }
  }
  let walked: EndStep | undefined
  let seen = header.firstSequence - 1
  const walk = new SegmentWalk({ file, sizeBytes: header.sizeBytes, start, macKey, resync: true })
  let whole = start
  let outboxHigh = start.outboxHigh
  for await (const step of walk.steps()) {
    if (step.type === 'problem') what ??= step
    else if (step.type === 'end') walked = step
    else {
      seen = Math.max(seen, step.after.nextSequence - 1)
      outboxHigh = Math.max(outboxHigh, step.after.outboxHigh)
      if (what === undefined) whole = step.after
    }
  }
  if (walked !== undefined) what ??= sealProblem(segment, walked, macKey)
  const damage =
    what === undefined ? undefined : { file: name, offset: what.offset, what: what.what }
  const last =
    walked === undefined
      ? undefined
      : {
          file,
          header,
          chainStart: start.chain,
          macKey,
          walked,
          sealed: seal.state === 'sealed',
          tornSeal: seal.state === 'torn',
        }
  return {
    last,
    damage,
    lastSequenceSeen: seen,
    lastChain: whole === start ? header.previousChain : whole.chain,
    outboxHigh,
  }
}

/** What is wrong with the end of a segment, given where its batches end. */
export function sealProblem(
  { header, headerBytes, seal }: OpenSegment,
  walked: EndStep,
  macKey: KeyObject | undefined,
): { readonly offset: number; readonly what: string } | undefined {
  const bad = (what: string) => ({ offset: header.sizeBytes - SEAL_BYTES, what })
  if (seal.state === 'damaged') return bad('the seal is damaged')
  if (seal.state !== 'sealed') return undefined
  if (walked.tornEnd !== undefined) {
    return { offset: walked.offset, what: 'bytes stand between the last batch and the seal' }
  }
  const { after } = walked
  const said = seal.seal
  const matches =
    said.endOffset === walked.offset &&
    said.batches === walked.batches &&
    said.firstSequence === header.firstSequence &&
    said.lastSequence === after.nextSequence - 1 &&
    said.outboxLowest === walked.outboxLowest &&
    said.outboxHighest === walked.outboxHighest &&
    said.outboxHigh === after.outboxHigh &&
    said.chain === after.chain &&
    said.chainStart === chainStartOf(headerBytes)
  if (!matches) return bad('the seal does not match the batches')
  if (macKey !== undefined && !checkSealMac(seal.bytes, macKey))
    return bad('the MAC of the seal does not match')
  return undefined
}

/** Where the header of the last segment is lost, the one before says how far the log went at least. */
async function highestBefore(files: SegmentFiles, number: number): Promise<Partial<LogEnd>> {
  if (number === 1) return {}
  if (!(await segmentNumbers(files)).includes(number - 1)) return {}
  const segment = await openSegment(files, number - 1, 'read')
  await segment.file.close()
  if (segment.header === undefined || segment.seal.state !== 'sealed') return {}
  const { lastSequence, chain, outboxHigh } = segment.seal.seal
  return { lastSequenceSeen: lastSequence, lastChain: chain, outboxHigh }
}

/** The chain value after a frame; undefined where the log does not have it. */
export async function chainAt(
  files: SegmentFiles,
  numbers: readonly number[],
  sequence: number,
): Promise<Chain | undefined> {
  for (const number of numbers.toReversed()) {
    const segment = await openSegment(files, number, 'read')
    try {
      const { header } = segment
      if (header === undefined) return undefined
      if (header.firstSequence - 1 === sequence) return header.previousChain
      if (header.firstSequence <= sequence) return await chainIn(segment, sequence)
    } finally {
      await segment.file.close()
    }
  }
  return undefined
}

async function chainIn(segment: OpenSegment, sequence: number): Promise<Chain | undefined> {
  const { file, header } = segment
  const walk = new SegmentWalk({
    file,
    sizeBytes: header.sizeBytes,
    start: segmentStart(segment),
    from: sequence,
    collect: true,
  })
  for await (const step of walk.steps()) {
    if (step.type === 'batch' && step.after.nextSequence > sequence)
      return chainInBatch(step, sequence)
  }
  return undefined
}

const chainInBatch = ({ records }: BatchStep, sequence: number): Chain | undefined =>
  records.find((record) => record.sequence === sequence)?.chain
