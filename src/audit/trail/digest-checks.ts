import type { SeenDigest } from './chain-files.ts'
import {
  bucketOf,
  type DigestExtension,
  type DigestFile,
  type DigestLogFile,
  isoSeconds,
  type TrailPlace,
} from './trail-format.ts'
import { parseIsoSeconds, parseLogFileKey } from './trail-names.ts'
import type { TrailFinding } from './trail-report.ts'

/** What a digest says of itself, of its log files and of the node's log, against its place and the one before. */
export function checkClaims(
  { key, name }: SeenDigest,
  digest: DigestFile,
  previous: DigestFile | undefined,
  place: TrailPlace,
): string[] {
  const problems: string[] = []
  const bucket = bucketOf(place.accountId)
  if (digest.digestS3Object !== key || digest.digestS3Bucket !== bucket) {
    problems.push(
      `was put in the place of another: it says that it is ${digest.digestS3Bucket}/${digest.digestS3Object}`,
    )
  }
  if (digest.awsAccountId !== place.accountId) {
    problems.push(`belongs to account ${digest.awsAccountId}`)
  }
  if (digest.digestEndTime !== isoSeconds(name.end)) {
    problems.push(`says that it ends at ${digest.digestEndTime}, its name says otherwise`)
  }
  if (digest.digestStartTime >= digest.digestEndTime) problems.push('ends before it begins')
  if (digest.strongroom.keptSince > digest.digestStartTime) {
    problems.push('says that it is not kept itself')
  }
  return [...problems, ...sequenceProblems(digest, previous), ...timeProblems(digest)]
}

function sequenceProblems(digest: DigestFile, previous: DigestFile | undefined): string[] {
  const problems: string[] = []
  const { nodeId, sequence } = digest.strongroom
  const before = previous?.strongroom
  const sameNode = before?.nodeId === nodeId
  if (sameNode && sequence < before.sequence) {
    problems.push(
      `goes back to frame ${sequence} of the log, the digest before had ${before.sequence}`,
    )
  }
  let last = sameNode ? before.sequence : 0
  for (const { s3Object, firstSequence, lastSequence } of digest.logFiles) {
    if (firstSequence <= last || lastSequence < firstSequence || lastSequence > sequence) {
      problems.push(
        `says that ${s3Object} holds frames ${firstSequence} to ${lastSequence}, which do not follow frame ${last}`,
      )
    }
    last = Math.max(last, lastSequence)
  }
  return problems
}

function timeProblems(digest: DigestFile): string[] {
  const { logFiles } = digest
  const problems = logFiles.flatMap((entry) => entryProblems(entry, digest))
  const newest =
    logFiles
      .map(({ newestEventTime }) => newestEventTime)
      .sort()
      .at(-1) ?? null
  const oldest = logFiles.map(({ oldestEventTime }) => oldestEventTime).sort()[0] ?? null
  if (digest.newestEventTime !== newest || digest.oldestEventTime !== oldest) {
    problems.push('names other times of its oldest and newest event than its log files have')
  }
  return problems
}

/** A log file's name tells when it was delivered: that lies in the window of its digest. */
function entryProblems(entry: DigestLogFile, digest: DigestFile): string[] {
  const { s3Bucket, s3Object } = entry
  const name = parseLogFileKey(s3Object)
  const chain = digest.digestS3Object.split('/')
  const belongs =
    name !== undefined &&
    s3Bucket === digest.digestS3Bucket &&
    name.place.accountId === digest.awsAccountId &&
    name.place.region === chain[3]
  if (!belongs)
    return [`names ${s3Bucket}/${s3Object}, which is no log file of its account and Region`]
  const start = parseIsoSeconds(digest.digestStartTime) ?? name.time
  const end = parseIsoSeconds(digest.digestEndTime) ?? name.time
  // The name has minutes only.
  const inWindow = name.time + MINUTE_MS > start && name.time <= end
  return inWindow ? [] : [`names ${s3Object}, which was delivered outside of its window`]
}

const MINUTE_MS = 60_000

/** What a digest says of the one in front of it in the copy. */
export function checkContinuation(seen: SeenDigest, previous: SeenDigest): TrailFinding[] {
  const { key, digest } = seen
  if (digest === undefined) return []
  const bad = (what: string): TrailFinding => ({ file: key, what })
  if (digest.previousDigestS3Object === null) {
    return [bad(`begins a new chain, although there is ${previous.key} before it`)]
  }
  const previousEnd = isoSeconds(previous.name.end)
  const findings: TrailFinding[] = []
  if (digest.digestStartTime > previousEnd) {
    findings.push(bad(`leaves a gap: nothing covers ${previousEnd} to ${digest.digestStartTime}`))
  } else if (digest.digestStartTime < previousEnd) {
    findings.push(bad(`covers time that ${previous.key} covers, too`))
  }
  if (digest.previousDigestS3Object !== previous.key) {
    const file = digest.previousDigestS3Object
    return [...findings, { file, what: `is missing: ${key} continues it` }]
  }
  return [...findings, ...contentProblems(digest, previous).map(bad)]
}

function contentProblems(digest: DigestFile, previous: SeenDigest): string[] {
  const problems: string[] = []
  const isOther = (what: string): void =>
    void problems.push(`continues ${previous.key} with another ${what}: one of them was altered`)
  if (digest.previousDigestS3Bucket !== digest.digestS3Bucket) isOther('bucket')
  if (previous.contentHash !== '' && digest.previousDigestHashValue !== previous.contentHash) {
    isOther('hash')
  } else if (digest.strongroom.previousGzipHash !== previous.gzipHash) {
    isOther('hash of its compressed bytes')
  }
  const { signature } = previous
  if (signature !== undefined && digest.previousDigestSignature !== signature) isOther('signature')
  return problems
}

/** Where the log of a node was, as somebody says. */
export type NodeHead = Pick<DigestExtension, 'nodeId' | 'sequence' | 'chain'>

/** What digests and anchors say of the logs of nodes: for one frame all must say the same. */
export class DigestHeads {
  readonly #chains = new Map<string, NodeHead>()

  /** One for each frame that was named. */
  all(): readonly NodeHead[] {
    return [...this.#chains.values()]
  }

  check({ nodeId, sequence, chain }: NodeHead): string[] {
    const name = JSON.stringify([nodeId, sequence])
    const known = this.#chains.get(name)
    if (known === undefined) this.#chains.set(name, { nodeId, sequence, chain })
    return known === undefined || known.chain === chain
      ? []
      : [`says that the log of node ${nodeId} was another at frame ${sequence}`]
  }
}
