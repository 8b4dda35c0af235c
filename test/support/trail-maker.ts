import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { TrailCopy } from '../../src/audit/trail/trail-copy.ts'

/**
 * Writes trails after the letter of docs/formats/audit-trail.md, and imports nothing of the code that writes the real
 * ones: what the verifier takes must be what the format says.
 */

const HOUR_MS = 3_600_000
/** The verifier notes where the newest digest was compressed in another way. */
const GZIP_LEVEL = 2
export const NODE = 'node-of-tests'

export const sha256 = (bytes: string | Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex')

export interface MadeKey {
  readonly privateKey: KeyObject
  readonly publicPem: string
  readonly fingerprint: string
}

export function makeKey(): MadeKey {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const der = publicKey.export({ format: 'der', type: 'pkcs1' })
  return {
    privateKey,
    publicPem: publicKey.export({ format: 'pem', type: 'spki' }),
    fingerprint: createHash('md5').update(der).digest('hex'),
  }
}

const iso = (time: number): string => `${new Date(time).toISOString().slice(0, 19)}Z`
const compact = (time: number): string => iso(time).replaceAll(/[-:]/g, '')
const day = (time: number): string => iso(time).slice(0, 10).replaceAll('-', '/')

export interface MadeRecord {
  readonly sequence: number
  readonly time: number
  readonly text: string
}

export const aRecord = (
  place: { readonly account: string; readonly region: string },
  sequence: number,
  time: number,
): MadeRecord => ({
  sequence,
  time,
  text: JSON.stringify({
    eventVersion: '1.11',
    userIdentity: { type: 'IAMUser', userName: 'Zoë "]}," \\' },
    eventTime: iso(time),
    eventSource: 'kms.amazonaws.com',
    eventName: 'Encrypt',
    awsRegion: place.region,
    requestParameters: { encryptionContext: { n: [sequence, { a: '}' }] } },
    eventID: `00000000-0000-4000-8000-${String(sequence).padStart(12, '0')}`,
    recipientAccountId: place.account,
  }),
})

/** A complete binary tree over equal halves would not be RFC 6962's: the left part is the largest power of two. */
function treeHash(leaves: readonly string[]): Buffer {
  const [only] = leaves
  if (only === undefined) return Buffer.from(sha256(''), 'hex')
  if (leaves.length === 1) return createHash('sha256').update('\0').update(only).digest()
  let left = 1
  while (left * 2 < leaves.length) left *= 2
  return createHash('sha256')
    .update('\u0001')
    .update(treeHash(leaves.slice(0, left)))
    .update(treeHash(leaves.slice(left)))
    .digest()
}

export interface MadeDigest extends Record<string, unknown> {
  awsAccountId: string
  digestStartTime: string
  digestEndTime: string
  digestS3Bucket: string
  digestS3Object: string
  digestPublicKeyFingerprint: string
  previousDigestS3Object: string | null
  previousDigestHashValue: string | null
  previousDigestSignature: string | null
  logFiles: Record<string, unknown>[]
  strongroom: Record<string, unknown>
}

/** What is to be different from a well-made digest, before it is signed. */
export type Change = (digest: MadeDigest) => void

interface Previous {
  readonly key: string
  readonly content: string
  readonly stored: Buffer
  readonly signature: string
}

/** One account in one Region: adds digests to `files`, one after the other. */
export class ChainMaker {
  readonly files: Map<string, Buffer>
  readonly #account: string
  readonly #region: string
  readonly #key: MadeKey
  readonly #began: number
  #start: number
  #previous: Previous | undefined
  keptSince: string

  constructor(
    files: Map<string, Buffer>,
    options: {
      readonly account: string
      readonly region: string
      readonly key: MadeKey
      readonly start: number
    },
  ) {
    this.files = files
    this.#account = options.account
    this.#region = options.region
    this.#key = options.key
    this.#start = options.start
    this.#began = options.start
    this.keptSince = iso(this.#began)
  }

  get #bucket(): string {
    return `strongroom-audit-${this.#account}`
  }

  put(key: string, bytes: Buffer): void {
    this.files.set(`${this.#bucket}/${key}`, bytes)
  }

  /** A log file, and what its digest says of it. */
  logFile(records: readonly MadeRecord[], time: number): Record<string, unknown> {
    const content = `{"Records":[${records.map(({ text }) => text).join(',')}]}`
    const stored = gzipSync(content, { level: GZIP_LEVEL })
    const sequences = records.map(({ sequence }) => sequence)
    const times = records.map((record) => record.time)
    const [account, region] = [this.#account, this.#region]
    const suffix = sha256(`${time} ${sequences.join()}`).slice(0, 16)
    const minute = `${compact(time).slice(0, 13)}Z`
    const key = `AWSLogs/${account}/CloudTrail/${region}/${day(time)}/${account}_CloudTrail_${region}_${minute}_${suffix}.json.gz`
    this.put(key, stored)
    return {
      s3Bucket: this.#bucket,
      s3Object: key,
      hashValue: sha256(content),
      hashAlgorithm: 'SHA-256',
      newestEventTime: iso(Math.max(...times)),
      oldestEventTime: iso(Math.min(...times)),
      recordCount: records.length,
      merkleRoot: treeHash(records.map(({ text }) => text)).toString('hex'),
      gzipHash: sha256(stored),
      firstSequence: Math.min(...sequences),
      lastSequence: Math.max(...sequences),
    }
  }

  /** Adds the digest of one more window, with its signature. */
  digest(
    logFiles: readonly Record<string, unknown>[],
    options: {
      readonly sequence: number
      readonly hours?: number
      readonly change?: Change
      readonly key?: MadeKey
    },
  ): string {
    const end = this.#start + (options.hours ?? 1) * HOUR_MS
    const [account, region] = [this.#account, this.#region]
    const key = `AWSLogs/${account}/CloudTrail-Digest/${region}/${day(end)}/${account}_CloudTrail-Digest_${region}_strongroom_eu-central-1_${compact(end)}.json.gz`
    const digest = this.#content(key, end, logFiles, options.sequence)
    const signer = options.key ?? this.#key
    digest.digestPublicKeyFingerprint = signer.fingerprint
    options.change?.(digest)
    const content = JSON.stringify(digest)
    const stored = gzipSync(content, { level: GZIP_LEVEL })
    const signed = [
      digest.digestEndTime,
      `${digest.digestS3Bucket}/${digest.digestS3Object}`,
      sha256(content),
      digest.previousDigestSignature ?? 'null',
    ].join('\n')
    const signature = sign('sha256', Buffer.from(signed), signer.privateKey).toString('hex')
    this.put(key, stored)
    this.put(`${key}.sig`, Buffer.from(`${signature}\n`))
    this.#previous = { key, content, stored, signature }
    this.#start = end
    return key
  }

  #content(
    key: string,
    end: number,
    logFiles: readonly Record<string, unknown>[],
    sequence: number,
  ): MadeDigest {
    const previous = this.#previous
    const texts = (name: string): string[] => logFiles.map((file) => String(file[name])).sort()
    return {
      awsAccountId: this.#account,
      digestStartTime: iso(this.#start),
      digestEndTime: iso(end),
      digestS3Bucket: this.#bucket,
      digestS3Object: key,
      digestPublicKeyFingerprint: '',
      digestSignatureAlgorithm: 'SHA256withRSA',
      newestEventTime: texts('newestEventTime').at(-1) ?? null,
      oldestEventTime: texts('oldestEventTime')[0] ?? null,
      previousDigestS3Bucket: previous === undefined ? null : this.#bucket,
      previousDigestS3Object: previous?.key ?? null,
      previousDigestHashValue: previous === undefined ? null : sha256(previous.content),
      previousDigestHashAlgorithm: previous === undefined ? null : 'SHA-256',
      previousDigestSignature: previous?.signature ?? null,
      logFiles: [...logFiles],
      strongroom: {
        version: 1,
        nodeId: NODE,
        sequence,
        chain: sha256(`chain ${sequence}`),
        previousGzipHash: previous === undefined ? null : sha256(previous.stored),
        keptSince: this.keptSince,
      },
    }
  }
}

/** Files in memory, by path. */
export const memoryCopy = (files: ReadonlyMap<string, Buffer>): TrailCopy => ({
  folder: 'copy',
  entries: async (path) => {
    const prefix = path === '' ? '' : `${path}/`
    const found = new Map<string, boolean>()
    for (const name of files.keys()) {
      if (!name.startsWith(prefix)) continue
      const rest = name.slice(prefix.length)
      const [first = ''] = rest.split('/')
      found.set(first, rest.includes('/'))
    }
    return [...found]
      .map(([name, isFolder]) => ({ name, isFolder }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  },
  read: async (path) => files.get(path),
})

export const ACCOUNT_A = '111122223333'
export const ACCOUNT_B = '444455556666'
export const PLACES = [
  { account: ACCOUNT_A, region: 'eu-central-1' },
  { account: ACCOUNT_A, region: 'us-east-1' },
  { account: ACCOUNT_B, region: 'eu-central-1' },
] as const
/** 21:00, so that a trail of some hours reaches into the next day. */
export const TRAIL_START = Date.UTC(2026, 0, 31, 21)
export const TRAIL_HOURS = 4
const FRAMES_PER_HOUR = 12

export interface MadeTrail {
  readonly files: Map<string, Buffer>
  readonly chains: readonly ChainMaker[]
  /** Of the digests, per chain, oldest first. */
  readonly digests: readonly (readonly string[])[]
  /** The newest frame that was delivered. */
  readonly sequence: number
}

/** Two accounts, three chains, four hours of which the third is empty, two log files in every other hour. */
export function makeTrail(key: MadeKey, change?: Change): MadeTrail {
  const files = new Map<string, Buffer>()
  const chains = PLACES.map((place) => new ChainMaker(files, { ...place, key, start: TRAIL_START }))
  const digests: string[][] = PLACES.map(() => [])
  let sequence = 0
  for (let hour = 0; hour < TRAIL_HOURS; hour += 1) {
    const start = TRAIL_START + hour * HOUR_MS
    const frames = hour === 2 ? 0 : FRAMES_PER_HOUR
    for (const [n, place] of PLACES.entries()) {
      const chain = chains[n]
      const halves = [0, frames / 2].map((from) => {
        const own = Array.from({ length: frames / 2 }, (_, i) => sequence + 1 + from + i)
        return own
          .filter((at) => at % PLACES.length === n)
          .map((at) => aRecord(place, at, start + (at - sequence) * 60_000))
      })
      const logFiles = halves
        .filter((records) => records.length > 0)
        .map((records, half) => chain?.logFile(records, start + (half + 1) * 1_700_000) ?? {})
      const options = { sequence: sequence + frames, ...(change && { change }) }
      digests[n]?.push(chain?.digest(logFiles, options) ?? '')
    }
    sequence += frames
  }
  return { files, chains, digests, sequence }
}
