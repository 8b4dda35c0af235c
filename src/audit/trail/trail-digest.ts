import { hash } from 'node:crypto'
import type { Instant } from '../../core/ids.ts'
import type { TrailDigestEnd, TrailHead, TrailLogFile } from '../../core/trail-tables.ts'
import {
  bucketOf,
  type DigestFile,
  type DigestLogFile,
  digestKey,
  isoSeconds,
  SIGNATURE_ALGORITHM,
  signedText,
} from './trail-format.ts'
import { gzipOf } from './trail-gathering.ts'
import type { DigestSigner } from './trail-signing-keys.ts'

const HASH_ALGORITHM = 'SHA-256'

export interface DigestRequest {
  readonly head: TrailHead
  /** Ascending by sequence. */
  readonly files: readonly TrailLogFile[]
  readonly end: Instant
  readonly homeRegion: string
  /** Every frame up to here has been delivered. */
  readonly delivered: { readonly sequence: number; readonly chain: string }
}

/** A digest that is ready to be put, and what the next one will say of it. */
export interface MadeDigest extends TrailDigestEnd {
  readonly body: Buffer
}

const described = (file: TrailLogFile): DigestLogFile => ({
  s3Bucket: bucketOf(file.accountId),
  s3Object: file.key,
  hashValue: file.hash,
  hashAlgorithm: HASH_ALGORITHM,
  newestEventTime: file.newestEventTime,
  oldestEventTime: file.oldestEventTime,
  recordCount: file.recordCount,
  merkleRoot: file.merkleRoot,
  gzipHash: file.gzipHash,
  firstSequence: file.firstSequence,
  lastSequence: file.lastSequence,
})

function digestOf(
  { head, files, end, homeRegion, delivered }: DigestRequest,
  fingerprint: string,
): DigestFile {
  const bucket = bucketOf(head.accountId)
  const before = head.digest
  const newest = files.map((file) => file.newestEventTime).sort()
  const oldest = files.map((file) => file.oldestEventTime).sort()
  return {
    awsAccountId: head.accountId,
    digestStartTime: isoSeconds(head.windowStart),
    digestEndTime: isoSeconds(end),
    digestS3Bucket: bucket,
    digestS3Object: digestKey(head, homeRegion, end),
    digestPublicKeyFingerprint: fingerprint,
    digestSignatureAlgorithm: SIGNATURE_ALGORITHM,
    newestEventTime: newest.at(-1) ?? null,
    oldestEventTime: oldest[0] ?? null,
    previousDigestS3Bucket: before === undefined ? null : bucket,
    previousDigestS3Object: before?.key ?? null,
    previousDigestHashValue: before?.hash ?? null,
    previousDigestHashAlgorithm: before === undefined ? null : HASH_ALGORITHM,
    previousDigestSignature: before?.signature ?? null,
    logFiles: files.map(described),
    strongroom: {
      version: 1,
      nodeId: head.nodeId,
      sequence: delivered.sequence,
      chain: delivered.chain,
      previousGzipHash: before?.gzipHash ?? null,
      keptSince: isoSeconds(head.keptSince),
    },
  }
}

/** Makes and signs the digest of one window. The same request and key give the same bytes. */
export async function makeDigest(
  request: DigestRequest,
  signer: DigestSigner,
): Promise<MadeDigest> {
  const digest = digestOf(request, signer.fingerprint)
  const bytes = Buffer.from(JSON.stringify(digest))
  const body = await gzipOf(bytes)
  return {
    key: digest.digestS3Object,
    body,
    hash: hash('sha256', bytes, 'hex'),
    gzipHash: hash('sha256', body, 'hex'),
    signature: await signer.sign(signedText(digest, bytes)),
    keptSince: request.head.keptSince,
  }
}
