import { OperatorError } from '../../core/errors.ts'
import type { Instant } from '../../core/ids.ts'
import { type ChainFiles, listChain, readDigest, type SeenDigest } from './chain-files.ts'
import { parseRecord } from './check-log-file.ts'
import { gunzipPlain } from './gunzip.ts'
import { merklePath, merkleRoot } from './merkle.ts'
import { splitRecords } from './split-records.ts'
import { findBuckets, placesIn } from './trail-buckets.ts'
import type { TrailCopy } from './trail-copy.ts'
import type { DigestFile, TrailPlace } from './trail-format.ts'
import { parseLogFileKey } from './trail-names.ts'
import { TrailReport } from './trail-report.ts'

/** That one event stands in the trail, for whoever has the public key. Source: docs/formats/event-proof.md. */
export interface EventProof {
  readonly format: 'strongroom-event-proof'
  readonly version: 1
  readonly eventId: string
  /** The CloudTrail record, as it stands in the log file. */
  readonly record: string
  /** Of the record in its log file, from 0. */
  readonly index: number
  /** From the record to the root of the log file's tree, the node beside the record first; hex. */
  readonly path: readonly string[]
  /** `s3Object` of the log file in the digest. */
  readonly logFile: string
  /** The digest, uncompressed, as it stands in its file. */
  readonly digest: string
  /** Of the digest, hex. */
  readonly signature: string
  /** 32 hex digits, as in the digest. */
  readonly publicKeyFingerprint: string
}

/** Where to look for an event: what its record says. */
export interface EventPlace extends TrailPlace {
  readonly time: Instant
}

/** A log file that holds the event. */
interface HoldingFile {
  readonly key: string
  readonly time: Instant
  readonly records: readonly Buffer[]
  readonly index: number
}

/** File names have minutes only. */
const MINUTE_MS = 60_000
const ALTERED = 'look with `strongroom audit verify --dir` what else was'

/**
 * Proves one event.
 * @param place where it is known: without it every log file is read, the newest first
 * @returns `open` for an event that no digest covers yet, undefined for one that the copy does not have
 * @throws {OperatorError} where the trail was altered so that it proves nothing
 */
export async function proveEvent(
  copy: TrailCopy,
  eventId: string,
  place: EventPlace | undefined,
): Promise<EventProof | 'open' | undefined> {
  // What is wrong elsewhere is for the verifier to tell.
  const report = new TrailReport()
  for (const bucket of await findBuckets(copy, report)) {
    for await (const at of placesIn(bucket, report, place?.accountId)) {
      if (place !== undefined && at.region !== place.region) continue
      const files = await listChain(bucket.copy, at, report)
      const holding = await findEvent(bucket.copy, files, eventId, place?.time)
      if (holding !== undefined) return proofOf(bucket.copy, files, eventId, holding)
    }
  }
  return undefined
}

async function findEvent(
  copy: TrailCopy,
  files: ChainFiles,
  eventId: string,
  from: Instant | undefined,
): Promise<HoldingFile | undefined> {
  const named = [...files.logFiles]
    .map((key) => ({ key, time: parseLogFileKey(key)?.time }))
    .filter((file): file is { key: string; time: Instant } => file.time !== undefined)
    .sort((a, b) => a.time - b.time)
  // An event is delivered after it happened, and mostly soon.
  const ordered =
    from === undefined ? named.toReversed() : named.filter(({ time }) => time + MINUTE_MS > from)
  for (const { key, time } of ordered) {
    const content = gunzipPlain((await copy.read(key)) ?? Buffer.alloc(0))
    if (content?.includes(eventId) !== true) continue
    const records = splitRecords(content) ?? []
    const index = records.findIndex((record) => parseRecord(record)?.eventID === eventId)
    if (index !== -1) return { key, time, records, index }
  }
  return undefined
}

async function proofOf(
  copy: TrailCopy,
  files: ChainFiles,
  eventId: string,
  { key, time, records, index }: HoldingFile,
): Promise<EventProof | 'open'> {
  const report = new TrailReport()
  const read = async (at: number): Promise<SeenDigest | undefined> => {
    const file = files.digests[at]
    return file && readDigest(copy, file, files.signatures.has(file.key), report)
  }
  for (const [at, { end }] of files.digests.entries()) {
    if (end < time) continue
    const seen = await read(at)
    const entry = seen?.digest?.logFiles.find(({ s3Object }) => s3Object === key)
    if (seen?.digest === undefined || entry === undefined) continue
    if (merkleRoot(records) !== entry.merkleRoot || records.length !== entry.recordCount) {
      throw new OperatorError(`${key} was altered: it proves nothing any more`, ALTERED)
    }
    const signature = seen.signature ?? told(await read(at + 1), seen.key)
    if (signature === undefined) {
      throw new OperatorError(`the signature of ${seen.key} is not in this copy`, ALTERED)
    }
    return {
      format: 'strongroom-event-proof',
      version: 1,
      eventId,
      record: (records[index] ?? Buffer.alloc(0)).toString(),
      index,
      path: merklePath(records, index),
      logFile: key,
      digest: seen.content.toString(),
      signature,
      publicKeyFingerprint: seen.digest.digestPublicKeyFingerprint,
    }
  }
  return 'open'
}

/** The signature that the digest behind holds. */
function told(next: SeenDigest | undefined, key: string): string | undefined {
  const digest: DigestFile | undefined = next?.digest
  return digest?.previousDigestS3Object === key
    ? (digest.previousDigestSignature ?? undefined)
    : undefined
}
