import { hash } from 'node:crypto'
import { DIGEST_BYTES_MAX, gunzipPlain } from './gunzip.ts'
import { parseDigest } from './parse-digest.ts'
import { filesBelow, type TrailCopy } from './trail-copy.ts'
import { type DigestFile, signatureFileOf, type TrailPlace } from './trail-format.ts'
import { type DigestName, parseDigestKey, parseLogFileKey, signedKeyOf } from './trail-names.ts'
import type { TrailReport } from './trail-report.ts'

/** The keys of one account and Region. */
export interface ChainFiles {
  /** Oldest first. */
  readonly digests: readonly (DigestName & { readonly key: string })[]
  /** Keys of digests that have a signature file. */
  readonly signatures: ReadonlySet<string>
  readonly logFiles: ReadonlySet<string>
  /** Signatures without a digest, by what they are the signature of. */
  readonly loneSignatures: readonly (DigestName & { readonly key: string })[]
}

const digestFolder = ({ accountId, region }: TrailPlace): string =>
  `AWSLogs/${accountId}/CloudTrail-Digest/${region}`
const logFolder = ({ accountId, region }: TrailPlace): string =>
  `AWSLogs/${accountId}/CloudTrail/${region}`

const samePlace = (a: TrailPlace, b: TrailPlace): boolean =>
  a.accountId === b.accountId && a.region === b.region

const FOREIGN = 'does not belong into a trail: no file of one is called so in this place'

/** Lists the files of a chain; what is none of them goes into the report. */
export async function listChain(
  copy: TrailCopy,
  place: TrailPlace,
  report: TrailReport,
): Promise<ChainFiles> {
  const digests: (DigestName & { readonly key: string })[] = []
  const signatures = new Set<string>()
  const logFiles = new Set<string>()
  for await (const key of filesBelow(copy, digestFolder(place))) {
    const signed = signedKeyOf(key)
    const name = parseDigestKey(signed ?? key)
    if (name === undefined || !samePlace(name.place, place)) report.find(key, FOREIGN)
    else if (signed !== undefined) signatures.add(signed)
    else digests.push({ ...name, key })
  }
  for await (const key of filesBelow(copy, logFolder(place))) {
    const name = parseLogFileKey(key)
    if (name === undefined || !samePlace(name.place, place)) report.find(key, FOREIGN)
    else logFiles.add(key)
  }
  digests.sort((a, b) => a.end - b.end || (a.key < b.key ? -1 : 1))
  const present = new Set(digests.map(({ key }) => key))
  const loneSignatures = [...signatures].flatMap((key) => {
    const name = present.has(key) ? undefined : parseDigestKey(key)
    return name === undefined ? [] : [{ ...name, key }]
  })
  return { digests, signatures, logFiles, loneSignatures }
}

/** A digest file as it was read. */
export interface SeenDigest {
  readonly key: string
  readonly name: DigestName
  /** Undefined where the file is none any more. */
  readonly digest: DigestFile | undefined
  /** Uncompressed; empty where that is not known. */
  readonly content: Buffer
  /** SHA-256 of the uncompressed file, hex; empty where that is not known. */
  readonly contentHash: string
  readonly gzipHash: string
  /** What stands beside it, if that is a signature. */
  readonly signature: string | undefined
}

/** Reads a digest with its signature; what cannot be read goes into the report. */
export async function readDigest(
  copy: TrailCopy,
  file: DigestName & { readonly key: string },
  hasSignature: boolean,
  report: TrailReport,
): Promise<SeenDigest> {
  const { key } = file
  const signature = hasSignature ? await readSignature(copy, key, report) : undefined
  const stored = (await copy.read(key)) ?? Buffer.alloc(0)
  const seen = { key, name: file, signature, gzipHash: hash('sha256', stored) }
  const broken = { ...seen, digest: undefined, content: Buffer.alloc(0), contentHash: '' }
  const content = gunzipPlain(stored, DIGEST_BYTES_MAX)
  if (content === undefined) {
    report.find(key, 'was altered: it is no whole gzip file any more')
    return broken
  }
  const parsed = parseDigest(content)
  if (parsed.digest === undefined) {
    report.find(key, `was altered: ${parsed.what}`)
    return broken
  }
  return { ...seen, digest: parsed.digest, content, contentHash: hash('sha256', content) }
}

async function readSignature(
  copy: TrailCopy,
  key: string,
  report: TrailReport,
): Promise<string | undefined> {
  const file = signatureFileOf(key)
  const text = (await copy.read(file))?.toString('latin1') ?? ''
  const signature = /^((?:[0-9a-f]{2})+)\n?$/.exec(text)?.[1]
  if (signature === undefined) report.find(file, 'was altered: it is no line of hex digits')
  return signature
}
