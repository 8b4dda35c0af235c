import { hash } from 'node:crypto'
import type { Instant } from '../../core/ids.ts'

/**
 * CloudTrail's layout of log files and digest files, and what we add to it.
 * **Sources:** AWS CloudTrail User Guide, "CloudTrail log file integrity: digest file structure" and
 * "Finding your CloudTrail log files"; docs/formats/audit-trail.md.
 */

/** Every account has this one trail. */
export const TRAIL_NAME = 'strongroom'
/** How digests are signed: RSASSA-PKCS1-v1_5. */
export const SIGNATURE_ALGORITHM = 'SHA256withRSA'
const HASH_ALGORITHM = 'SHA-256'
const SUFFIX_CHARACTERS = 16

/** What log files and digests are kept apart by: each pair has a chain of digests of its own. */
export interface TrailPlace {
  readonly accountId: string
  readonly region: string
}

/** The bucket that an account finds its trail in. */
export const bucketOf = (accountId: string): string => `strongroom-audit-${accountId}`

const ACCOUNT_OF_BUCKET = /^strongroom-audit-(\d{12})$/

/** Whose bucket this is; undefined for any other name. */
export const accountOfBucket = (bucket: string): string | undefined =>
  ACCOUNT_OF_BUCKET.exec(bucket)?.[1]

/** ISO 8601 in UTC with whole seconds: `2026-01-31T09:00:00Z` */
export const isoSeconds = (time: Instant): string => `${new Date(time).toISOString().slice(0, 19)}Z`

/** `20260131T090000Z` */
const compactSeconds = (time: Instant): string => isoSeconds(time).replaceAll(/[-:]/g, '')

const dayPath = (time: Instant): string => isoSeconds(time).slice(0, 10).replaceAll('-', '/')

/** The key of a log file that was delivered at `time`; `suffix` is 16 letters and digits. */
export function logFileKey(
  { accountId, region }: TrailPlace,
  time: Instant,
  suffix: string,
): string {
  const minute = `${compactSeconds(time).slice(0, 13)}Z`
  return `AWSLogs/${accountId}/CloudTrail/${region}/${dayPath(time)}/${accountId}_CloudTrail_${region}_${minute}_${suffix}.json.gz`
}

/**
 * The suffix of the log files of one delivery: always the same for the same beginning, so that a delivery
 * which a crash cut off is written over and leaves no file behind that no digest knows.
 */
export const suffixOf = (nodeId: string, firstSequence: number): string =>
  BigInt(`0x${hash('sha256', `${nodeId}\n${firstSequence}`, 'hex')}`)
    .toString(36)
    .padStart(SUFFIX_CHARACTERS, '0')
    .slice(-SUFFIX_CHARACTERS)

/** The key of the digest whose window ends at `end`; `homeRegion` is the node's. */
export const digestKey = (
  { accountId, region }: TrailPlace,
  homeRegion: string,
  end: Instant,
): string =>
  `AWSLogs/${accountId}/CloudTrail-Digest/${region}/${dayPath(end)}/${accountId}_CloudTrail-Digest_${region}_${TRAIL_NAME}_${homeRegion}_${compactSeconds(end)}.json.gz`

/** In a folder the signature of a digest stands beside it, as hex: S3 has it in the object's metadata. */
export const signatureFileOf = (key: string): string => `${key}.sig`

/** One log file, as its digest names it. The members behind `oldestEventTime` are ours. */
export interface DigestLogFile {
  readonly s3Bucket: string
  readonly s3Object: string
  /** Of the uncompressed file, hex. */
  readonly hashValue: string
  readonly hashAlgorithm: typeof HASH_ALGORITHM
  readonly newestEventTime: string
  readonly oldestEventTime: string
  readonly recordCount: number
  /** RFC 6962 tree over the UTF-8 bytes of each record as it stands in the file; hex. */
  readonly merkleRoot: string
  /** SHA-256 of the file as it is stored, compressed; hex. Not every change of those bytes changes the content. */
  readonly gzipHash: string
  /** Of the frames in the node's log that its records come from; above every one of the log file before. */
  readonly firstSequence: number
  readonly lastSequence: number
}

/** What we add to a digest: how it hangs together with the log of the node. Covered by the signature. */
export interface DigestExtension {
  readonly version: 1
  readonly nodeId: string
  /** Every frame of the node's log up to this one has been delivered; 0 before the first. */
  readonly sequence: number
  /** The chain value of the node's log after that frame, 64 hex digits. */
  readonly chain: string
  /** SHA-256 of the digest before as it is stored, compressed; hex. Null in the first digest of a chain. */
  readonly previousGzipHash: string | null
  /**
   * `digestStartTime` of the oldest digest of this chain that is kept. Retention removes only what a digest has said
   * it no longer keeps, so that with the public key alone a cut by retention is told from damage.
   */
  readonly keptSince: string
}

/** A digest file. Members and their order are CloudTrail's, up to `strongroom`. */
export interface DigestFile {
  readonly awsAccountId: string
  /** ISO 8601, whole seconds. The window holds the log files that were delivered in it. */
  readonly digestStartTime: string
  readonly digestEndTime: string
  readonly digestS3Bucket: string
  readonly digestS3Object: string
  /** 32 hex digits. */
  readonly digestPublicKeyFingerprint: string
  readonly digestSignatureAlgorithm: typeof SIGNATURE_ALGORITHM
  readonly newestEventTime: string | null
  readonly oldestEventTime: string | null
  /** All null in the first digest of a chain. */
  readonly previousDigestS3Bucket: string | null
  readonly previousDigestS3Object: string | null
  readonly previousDigestHashValue: string | null
  readonly previousDigestHashAlgorithm: typeof HASH_ALGORITHM | null
  readonly previousDigestSignature: string | null
  readonly logFiles: readonly DigestLogFile[]
  readonly strongroom: DigestExtension
}

/** Where and when a digest ends, which is what its signature says besides its hash and its predecessor. */
export type SignedPlace = Pick<
  DigestFile,
  'digestEndTime' | 'digestS3Bucket' | 'digestS3Object' | 'previousDigestSignature'
>

/**
 * What is signed of a digest.
 * @param digestBytes the digest file, uncompressed
 */
export function signedText(digest: SignedPlace, digestBytes: Uint8Array): string {
  return [
    digest.digestEndTime,
    `${digest.digestS3Bucket}/${digest.digestS3Object}`,
    hash('sha256', digestBytes, 'hex'),
    digest.previousDigestSignature ?? 'null',
  ].join('\n')
}

/** The uncompressed bytes of a log file. The texts are JSON already and are not touched. */
export const logFileBytes = (records: readonly string[]): Buffer =>
  Buffer.from(`{"Records":[${records.join(',')}]}`)
