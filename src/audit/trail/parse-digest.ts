import { isJsonObject } from '../../core/strict-json.ts'
import {
  type DigestExtension,
  type DigestFile,
  type DigestLogFile,
  SIGNATURE_ALGORITHM,
} from './trail-format.ts'
import { parseIsoSeconds } from './trail-names.ts'

type Test = (value: unknown) => boolean
type Shape = Readonly<Record<string, Test>>

const HASH_ALGORITHM = 'SHA-256'
const matches =
  (pattern: RegExp): Test =>
  (value) =>
    typeof value === 'string' && pattern.test(value)
const orNull =
  (test: Test): Test =>
  (value) =>
    value === null || test(value)
const exactly =
  (expected: unknown): Test =>
  (value) =>
    value === expected

const isText: Test = (value) => typeof value === 'string'
const isTime: Test = (value) => typeof value === 'string' && parseIsoSeconds(value) !== undefined
const isSha256 = matches(/^[0-9a-f]{64}$/)
const isHex = matches(/^(?:[0-9a-f]{2}){1,1024}$/)
const isCount: Test = (value) => Number.isSafeInteger(value) && Number(value) >= 0
const isPositive: Test = (value) => isCount(value) && value !== 0

const LOG_FILE: Shape = {
  s3Bucket: isText,
  s3Object: isText,
  hashValue: isSha256,
  hashAlgorithm: exactly(HASH_ALGORITHM),
  newestEventTime: isTime,
  oldestEventTime: isTime,
  recordCount: isPositive,
  merkleRoot: isSha256,
  gzipHash: isSha256,
  firstSequence: isPositive,
  lastSequence: isPositive,
}

const EXTENSION: Shape = {
  version: exactly(1),
  nodeId: isText,
  sequence: isCount,
  chain: isSha256,
  previousGzipHash: orNull(isSha256),
  keptSince: isTime,
}

const DIGEST: Shape = {
  awsAccountId: matches(/^\d{12}$/),
  digestStartTime: isTime,
  digestEndTime: isTime,
  digestS3Bucket: isText,
  digestS3Object: isText,
  digestPublicKeyFingerprint: matches(/^[0-9a-f]{32}$/),
  digestSignatureAlgorithm: exactly(SIGNATURE_ALGORITHM),
  newestEventTime: orNull(isTime),
  oldestEventTime: orNull(isTime),
  previousDigestS3Bucket: orNull(isText),
  previousDigestS3Object: orNull(isText),
  previousDigestHashValue: orNull(isSha256),
  previousDigestHashAlgorithm: orNull(exactly(HASH_ALGORITHM)),
  previousDigestSignature: orNull(isHex),
}

/** The member whose value is not what the format says; undefined where all are. */
const offence = (value: Readonly<Record<string, unknown>>, shape: Shape): string | undefined =>
  Object.keys(shape).find((name) => shape[name]?.(value[name]) !== true)

/** A digest, or what is wrong with the text. */
export type ParsedDigest =
  | { readonly digest: DigestFile }
  | { readonly digest: undefined; readonly what: string }

const bad = (what: string): ParsedDigest => ({ digest: undefined, what })

/** Checks that every member is there and has its form; nothing of what they say. */
export function parseDigest(bytes: Buffer): ParsedDigest {
  const value = parseJson(bytes)
  if (!isJsonObject(value)) return bad('it is no JSON object')
  const wrong = offence(value, DIGEST)
  if (wrong !== undefined) return bad(`its member ${wrong} is not as the format says`)
  const { logFiles, strongroom } = value
  if (!isJsonObject(strongroom)) return bad('it has no member strongroom')
  const wrongExtension = offence(strongroom, EXTENSION)
  if (wrongExtension !== undefined) {
    return bad(`its member strongroom.${wrongExtension} is not as the format says`)
  }
  if (!Array.isArray(logFiles)) return bad('it has no list of log files')
  const wrongFile = logFiles.findIndex(
    (file) => !isJsonObject(file) || offence(file, LOG_FILE) !== undefined,
  )
  if (wrongFile !== -1) return bad(`its log file ${wrongFile + 1} is not as the format says`)
  const previous = PREVIOUS.filter((name) => value[name] === null).length
  if (previous !== 0 && previous !== PREVIOUS.length) {
    return bad('it names the digest before it in part only')
  }
  return {
    digest: {
      // The shapes above have just been tested, member by member.
      ...(value as unknown as DigestFile),
      logFiles: logFiles as readonly DigestLogFile[],
      strongroom: strongroom as unknown as DigestExtension,
    },
  }
}

const PREVIOUS = Object.keys(DIGEST).filter((name) => name.startsWith('previous'))

function parseJson(bytes: Buffer): unknown {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return value
  } catch {
    return undefined
  }
}
