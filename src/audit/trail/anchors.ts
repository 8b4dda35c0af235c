import type { Instant } from '../../core/ids.ts'
import { isJsonObject } from '../../core/strict-json.ts'
import type { TrailPlace } from './trail-format.ts'
import { parseIsoSeconds } from './trail-names.ts'
import type { TrailReport } from './trail-report.ts'
import type { TrustedKeys } from './trusted-keys.ts'

/** How far the log and its digests had got when this was noted outside. Source: docs/formats/audit-trail.md, Anchors. */
export interface Anchor {
  /** Where it was noted: `line 3` of a file, or `the store`. */
  readonly where: string
  readonly time: Instant
  readonly nodeId: string
  readonly sequence: number
  readonly chain: string
  readonly digests: readonly AnchoredDigest[]
}

export interface AnchoredDigest {
  readonly accountId: string
  readonly region: string
  readonly digestEndTime: string
  readonly signature: string
}

/**
 * Reads a file of anchors, JSON lines; what is none, stands out of order or does not match its signature goes into the
 * report.
 * @param keys that sign digests, and anchors; without them signatures are not looked at
 */
export function parseAnchors(
  { file, text }: { readonly file: string; readonly text: string },
  report: TrailReport,
  keys?: TrustedKeys,
): Anchor[] {
  const anchors: Anchor[] = []
  const lines = text.split('\n')
  if (lines.pop() !== '') report.find(file, 'was cut off: its last line has no end')
  const newest = new Map<string, Anchor>()
  const unsigned: number[] = []
  for (const [index, line] of lines.entries()) {
    const anchor = parseAnchor(`line ${index + 1}`, line)
    if (anchor === undefined) {
      report.find(file, `has no anchor in line ${index + 1}`)
      continue
    }
    const signed = keys === undefined ? 'unsigned' : signatureState(line, anchor.time, keys)
    if (signed === 'bad') {
      report.find(file, `has an anchor in line ${index + 1} that does not match its signature`)
    } else if (signed === 'late') {
      report.find(
        file,
        `has an anchor in line ${index + 1} signed with a key that was not valid then`,
      )
    } else if (signed === 'unsigned') {
      unsigned.push(index + 1)
    }
    const before = newest.get(anchor.nodeId)
    if (before !== undefined && isOlder(anchor, before)) {
      report.find(file, `has an anchor in line ${index + 1} that is older than the one before`)
    }
    newest.set(anchor.nodeId, anchor)
    anchors.push(anchor)
  }
  if (anchors.length === 0) report.find(file, 'holds no anchor')
  if (keys !== undefined) tellUnsigned(file, unsigned, anchors.length, report)
  return anchors
}

const isOlder = (anchor: Anchor, before: Anchor): boolean =>
  anchor.sequence < before.sequence || anchor.time < before.time

function parseAnchor(where: string, line: string): Anchor | undefined {
  // Of what is signed only those bytes count: a member behind them could take the place of one of the same name.
  const signed = SIGNATURE.exec(line)?.groups?.['text']
  const value = parseJson(signed === undefined ? line : `${signed}}`)
  if (!isJsonObject(value) || !isJsonObject(parseJson(line))) return undefined
  const { nodeId, sequence, chain, digests } = value
  const time = typeof value['time'] === 'string' ? parseTime(value['time']) : undefined
  if (time === undefined || typeof nodeId !== 'string') return undefined
  if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence)) return undefined
  if (typeof chain !== 'string' || !/^[0-9a-f]{64}$/.test(chain)) return undefined
  if (!Array.isArray(digests)) return undefined
  const parsed = digests.map(parseAnchoredDigest)
  const whole = parsed.filter((digest) => digest !== undefined)
  return whole.length === parsed.length
    ? { where, time, nodeId, sequence, chain, digests: whole }
    : undefined
}

/** Somebody may keep anchors in a form of his own, without signatures; but not some with and some without. */
function tellUnsigned(
  file: string,
  unsigned: readonly number[],
  anchors: number,
  report: TrailReport,
): void {
  const [first] = unsigned
  if (first === undefined) return
  if (unsigned.length < anchors) {
    report.find(file, `has an anchor that is not signed in line ${first}, and others are`)
  } else {
    report.note(`${file} has anchors that are not signed: they are worth what their place is`)
  }
}

/** In front of an anchor's text when it is signed. Source: docs/formats/audit-trail.md, Anchors. */
const SIGNED_AS = 'strongroom anchor\n'
/** The members behind what is signed: no JSON string inside of it can hold these bytes. */
const SIGNATURE =
  /^(?<text>.*?),"keyFingerprint":"(?<key>[0-9a-f]{32})","signature":"(?<hex>[0-9a-f]+)"[,}]/

function signatureState(
  line: string,
  time: Instant,
  keys: TrustedKeys,
): 'good' | 'bad' | 'late' | 'unsigned' {
  const { text = '', key = '', hex = '' } = SIGNATURE.exec(line)?.groups ?? {}
  if (hex === '') return line.includes(',"signature":"', line.lastIndexOf(']')) ? 'bad' : 'unsigned'
  const isSigned = keys.verifies(key, { text: `${SIGNED_AS}${text}}`, signature: hex }) === true
  if (!isSigned) return 'bad'
  return keys.isValidAt(key, time) ? 'good' : 'late'
}

/** Milliseconds are passed over. */
const parseTime = (text: string): Instant | undefined =>
  parseIsoSeconds(text.replace(/\.\d{3}Z$/, 'Z'))

function parseAnchoredDigest(value: unknown): AnchoredDigest | undefined {
  if (!isJsonObject(value)) return undefined
  const { accountId, region, digestEndTime, signature } = value
  const isWhole =
    typeof accountId === 'string' &&
    typeof region === 'string' &&
    typeof digestEndTime === 'string' &&
    parseIsoSeconds(digestEndTime) !== undefined &&
    typeof signature === 'string' &&
    /^[0-9a-f]+$/.test(signature)
  return isWhole ? { accountId, region, digestEndTime, signature } : undefined
}

function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    return undefined
  }
}

const placeKey = ({ accountId, region }: TrailPlace): string => `${accountId}/${region}`

/** A digest that an anchor names, and where. */
export interface NotedDigest extends AnchoredDigest {
  readonly where: string
}

/** The anchors by what they are asked for. */
export class AnchorBook {
  readonly #digests = new Map<string, Map<string, NotedDigest>>()
  /** Per node: times ascending, with the highest sequence up to each. */
  readonly #sequences = new Map<string, { readonly time: Instant; readonly sequence: number }[]>()
  readonly anchors: readonly Anchor[]

  /** Anchors that contradict each other go into the report. */
  constructor(file: string, anchors: readonly Anchor[], report: TrailReport) {
    this.anchors = anchors
    for (const anchor of anchors) {
      this.#noteSequence(anchor)
      for (const digest of anchor.digests) {
        const ofPlace = this.#digests.get(placeKey(digest)) ?? new Map<string, NotedDigest>()
        this.#digests.set(placeKey(digest), ofPlace)
        const before = ofPlace.get(digest.digestEndTime)
        if (before === undefined) {
          ofPlace.set(digest.digestEndTime, { ...digest, where: anchor.where })
        } else if (before.signature !== digest.signature) {
          report.find(
            file,
            `names another signature in ${anchor.where} than in ${before.where} for one digest`,
          )
        }
      }
    }
  }

  #noteSequence({ nodeId, time, sequence }: Anchor): void {
    const known = this.#sequences.get(nodeId) ?? []
    this.#sequences.set(nodeId, known)
    known.push({ time, sequence: Math.max(sequence, known.at(-1)?.sequence ?? 0) })
  }

  /** What the anchors know of one chain, by `digestEndTime`. */
  digestsOf(place: TrailPlace): ReadonlyMap<string, NotedDigest> {
    return this.#digests.get(placeKey(place)) ?? new Map()
  }

  /** Every chain that an anchor knows. */
  places(): TrailPlace[] {
    return [...this.#digests.values()].flatMap((digests) => [...digests.values()].slice(0, 1))
  }

  /** The highest sequence that the node's log had before `time`, as far as was noted; 0 where nothing was. */
  sequenceBefore(nodeId: string, time: Instant): number {
    const known = this.#sequences.get(nodeId) ?? []
    let low = 0
    let high = known.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((known[middle]?.time ?? time) < time) low = middle + 1
      else high = middle
    }
    return known[low - 1]?.sequence ?? 0
  }
}
