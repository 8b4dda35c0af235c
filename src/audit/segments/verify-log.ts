import type { KeyObject } from 'node:crypto'
import { OperatorError } from '../../core/errors.ts'
import type { AuditHead } from './audit-log.ts'
import type { ChainPosition } from './batch-buffer.ts'
import { sealProblem, withTornSeal } from './log-end.ts'

import type { LogFloor } from './log-floor.ts'
import { type OpenSegment, openSegment, segmentNumbers, segmentStart } from './segment-catalog.ts'
import { logFiles, type SegmentFiles } from './segment-files.ts'
import {
  type Chain,
  chainFromHex,
  chainToHex,
  checkSegmentHeaderMac,
  NO_CHAIN,
  SEGMENT_BYTES_MAX,
  SEGMENT_BYTES_MIN,
  segmentName,
} from './segment-format.ts'
import { type EndStep, SegmentWalk } from './segment-walk.ts'

/** Something in the log that is not as it was written. */
export interface LogProblem {
  /** The file's name. */
  readonly segment: string
  readonly offset: number
  /** The first frame that it concerns, where that is known. */
  readonly sequence: number | undefined
  readonly what: string
}

export interface VerifyResult {
  /** No problem was found. */
  readonly ok: boolean
  readonly segments: number
  readonly frames: number
  /** Every MAC was checked. Without MACs, whoever could write the files could have made the chain anew. */
  readonly macsChecked: boolean
  readonly head: AuditHead
  /** The last write was cut short, as a killed process leaves it: no problem, nothing of it was acknowledged. */
  readonly tornTail: { readonly segment: string; readonly offset: number } | undefined
  /** In the order of the log; at most 1,000. */
  readonly problems: readonly LogProblem[]
}

export interface VerifyOptions {
  /** The key that a segment names; undefined where it is not known. */
  readonly macKey?: (macKeyId: string) => KeyObject | undefined
  /** The log must contain this frame. */
  readonly expectedHead?: AuditHead
  /** Where the log begins, when retention has removed what was before; from a place outside of the log. */
  readonly floor?: LogFloor
  /** What was noted elsewhere of logs. What concerns another node, or segments that are gone, is passed over. */
  readonly noted?: readonly NotedHead[]
}

/** A frame as it was noted elsewhere: in an anchor, or in a digest. */
export interface NotedHead extends AuditHead {
  readonly nodeId: string
  /** For the message: `line 3 of anchors.jsonl` */
  readonly where: string
}

const PROBLEMS_MAX = 1000

/**
 * Checks a whole log: a stopped one or a copy. Finds altered, removed, inserted and reordered records and segments,
 * changed headers, and with `expectedHead` a log that was cut off.
 * @throws {OperatorError} where there is no folder.
 */
export async function verifyLog(
  source: string | SegmentFiles,
  options: VerifyOptions = {},
): Promise<VerifyResult> {
  const files = logFiles(source)
  const numbers = await segmentNumbers(files).catch((error: unknown) => {
    throw new OperatorError(`there is no audit log in ${files.folder}`, undefined, { cause: error })
  })
  return new Verification(files, options).run(numbers)
}

class Verification {
  readonly #files: SegmentFiles
  readonly #options: VerifyOptions
  readonly #problems: LogProblem[] = []
  /** Where the chain stands behind the last segment; undefined where that is lost. */
  #position:
    | { readonly nextSequence: number; readonly chain: Chain; readonly outboxHigh: number }
    | undefined = {
    nextSequence: 1,
    chain: NO_CHAIN,
    outboxHigh: 0,
  }
  #nodeId: string | undefined
  #frames = 0
  #macsChecked: boolean
  #tornTail: VerifyResult['tornTail']
  #head: AuditHead = { sequence: 0, chain: chainToHex(NO_CHAIN) }
  #expectedSeen: boolean
  /** By sequence; those that were met are taken out. */
  readonly #noted: Map<number, NotedHead[]>

  constructor(files: SegmentFiles, options: VerifyOptions) {
    this.#files = files
    this.#options = options
    this.#macsChecked = options.macKey !== undefined
    this.#expectedSeen = (options.expectedHead?.sequence ?? 0) === 0
    this.#noted = Map.groupBy(options.noted ?? [], ({ sequence }) => sequence)
  }

  async run(numbers: readonly number[]): Promise<VerifyResult> {
    let expected = this.#first(numbers)
    for (const number of numbers) {
      if (number !== expected) this.#missing(expected, number - 1)
      await this.#segment(number, number === numbers.at(-1))
      expected = number + 1
    }
    const { expectedHead } = this.#options
    if (!this.#expectedSeen && expectedHead !== undefined) {
      const what = `the log was cut off or changed: it does not have frame ${expectedHead.sequence} as it was written`
      this.#problem({
        segment: segmentName(numbers.at(-1) ?? 1),
        offset: 0,
        sequence: expectedHead.sequence,
        what,
      })
    }
    this.#notedBehind(segmentName(numbers.at(-1) ?? 1))
    return {
      ok: this.#problems.length === 0,
      segments: numbers.length,
      frames: this.#frames,
      macsChecked: this.#macsChecked,
      head: this.#head,
      tornTail: this.#tornTail,
      problems: this.#problems,
    }
  }

  /** The number of the segment that the log has to begin with. */
  #first([present]: readonly number[]): number {
    const { floor } = this.#options
    if (floor === undefined || present === undefined || present === 1) return 1
    const { sequence, chain, outboxHigh } = floor
    const isAtFloor = present >= floor.segment
    // Some that were to be removed may still be there: what was in front of them is not known.
    this.#position = isAtFloor
      ? { nextSequence: sequence + 1, chain: chainFromHex(chain), outboxHigh }
      : undefined
    return isAtFloor ? floor.segment : present
  }

  #problem(problem: LogProblem): void {
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push(problem)
  }

  #missing(first: number, last: number): void {
    const sequence = this.#position?.nextSequence
    const what =
      first === last ? 'the segment is missing' : `segments ${first} to ${last} are missing`
    this.#problem({ segment: segmentName(first), offset: 0, sequence, what })
    this.#position = undefined
  }

  async #segment(number: number, isLast: boolean): Promise<void> {
    const segment = await openSegment(this.#files, number, 'read')
    try {
      if (segment.header !== undefined) {
        const macKey = this.#header(segment)
        await this.#walk(segment, segmentStart(segment), macKey, isLast)
        return
      }
      const { name, offset, what, fileBytes } = segment
      this.#problem({ segment: name, offset, sequence: this.#position?.nextSequence, what })
      this.#position = undefined
      const readable = fileBytes >= SEGMENT_BYTES_MIN && fileBytes <= SEGMENT_BYTES_MAX
      if (readable) await this.#walk(segment, undefined, undefined, isLast)
    } finally {
      await segment.file.close()
    }
  }

  /** Checks the header against what came before; returns the segment's key. */
  #header({ name, header, headerBytes }: OpenSegment): KeyObject | undefined {
    const sequence = header.firstSequence
    const bad = (what: string): void => this.#problem({ segment: name, offset: 0, sequence, what })
    const macKey = this.#options.macKey?.(header.macKeyId)
    if (macKey === undefined) this.#macsChecked = false
    else if (!checkSegmentHeaderMac(headerBytes, macKey))
      bad('the MAC of the segment header does not match')
    this.#nodeId ??= header.nodeId
    if (header.nodeId !== this.#nodeId) bad(`the segment belongs to another node, ${header.nodeId}`)
    const before = this.#position
    const { floor } = this.#options
    const isOther =
      header.number === floor?.segment &&
      (sequence !== floor.sequence + 1 || chainToHex(header.previousChain) !== floor.chain)
    if (isOther) bad('the segment does not continue what retention has removed')
    if (header.afterDamage) {
      bad('the operator accepted damage before this segment')
    } else if (before !== undefined) {
      const continues =
        sequence === before.nextSequence &&
        header.previousChain === before.chain &&
        header.outboxHigh === before.outboxHigh
      if (!continues) bad('the segment does not continue what is before it')
    }
    const { expectedHead } = this.#options
    const expected = expectedHead?.sequence === sequence - 1 ? expectedHead.chain : undefined
    if (expected === chainToHex(header.previousChain)) this.#expectedSeen = true
    return macKey
  }

  async #walk(
    segment: Awaited<ReturnType<typeof openSegment>>,
    start: ChainPosition | undefined,
    macKey: KeyObject | undefined,
    isLast: boolean,
  ): Promise<void> {
    const { name: fileName, file } = segment
    const sizeBytes = segment.header === undefined ? segment.fileBytes : segment.header.sizeBytes
    const collect = this.#options.expectedHead !== undefined || this.#noted.size > 0
    const walk = new SegmentWalk({ file, sizeBytes, start, macKey, collect, resync: true })
    for await (const step of walk.steps()) {
      if (step.type === 'problem') {
        const { offset, sequence, what } = step
        this.#problem({ segment: fileName, offset, sequence, what })
      } else if (step.type === 'batch') {
        this.#frames += step.header.count
        this.#head = { sequence: step.after.nextSequence - 1, chain: chainToHex(step.after.chain) }
        for (const { sequence, chain } of step.records) {
          this.#compareHead(sequence, chain)
          this.#compareNoted({ segment: fileName, offset: step.offset, sequence }, chain)
        }
      } else if (segment.header !== undefined) {
        this.#segmentEnd(segment, step, macKey, isLast)
      } else {
        this.#position = undefined
      }
    }
  }

  #compareHead(sequence: number, chain: Chain): void {
    const { expectedHead } = this.#options
    if (sequence === expectedHead?.sequence && chainToHex(chain) === expectedHead.chain) {
      this.#expectedSeen = true
    }
  }

  #compareNoted(
    place: Omit<LogProblem, 'what'> & { readonly sequence: number },
    chain: Chain,
  ): void {
    for (const { nodeId, chain: noted, where } of this.#noted.get(place.sequence) ?? []) {
      if (nodeId !== this.#nodeId || noted === chainToHex(chain)) continue
      this.#problem({ ...place, what: `it is not the frame that was noted in ${where}` })
    }
    this.#noted.delete(place.sequence)
  }

  /** What was noted of frames behind the end of the log. */
  #notedBehind(segment: string): void {
    for (const { nodeId, sequence, where } of [...this.#noted.values()].flat()) {
      if (nodeId !== this.#nodeId || sequence <= this.#head.sequence) continue
      const what = `the log was cut off or rolled back: it ends before this frame, which was noted in ${where}`
      this.#problem({ segment, offset: 0, sequence, what })
    }
  }

  #segmentEnd(
    opened: OpenSegment,
    walked: EndStep,
    macKey: KeyObject | undefined,
    isLast: boolean,
  ): void {
    const segment = withTornSeal(opened, macKey)
    const { name, header, seal } = segment
    const sequence = walked.after.nextSequence
    const sealed = sealProblem(segment, walked, macKey)
    if (sealed !== undefined) this.#problem({ segment: name, sequence, ...sealed })
    const cutShort = walked.tornEnd !== undefined || seal.state === 'torn'
    if (isLast) {
      if (cutShort) this.#tornTail = { segment: name, offset: walked.offset }
    } else if (seal.state !== 'sealed' && seal.state !== 'damaged') {
      const what = 'the segment has no seal, and another one follows'
      this.#problem({ segment: name, offset: walked.offset, sequence, what })
    }
    const chain = walked.batches > 0 ? walked.after.chain : header.previousChain
    this.#position = { ...walked.after, chain }
  }
}
