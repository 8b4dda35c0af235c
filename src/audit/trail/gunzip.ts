import { crc32, inflateRawSync } from 'node:zlib'

/** Uncompressed. Far above what a node writes, far below what would exhaust memory. */
const CONTENT_BYTES_MAX = 2 ** 29
/** Of a digest, which is parsed before its signature is known to be good: it has room for a hundred thousand log files. */
export const DIGEST_BYTES_MAX = 2 ** 26
const HEADER_BYTES = 10
const TRAILER_BYTES = 8
/** Magic number, DEFLATE, no flags, no time: what is written here says nothing of itself. Source: RFC 1952. */
const HEADER_START = Buffer.from('1f8b080000000000', 'hex')

/**
 * The content of a gzip file of one member with the plainest header, and nothing behind it; undefined for anything
 * else. zlib itself would pass over extra fields and trailing bytes.
 */
export function gunzipPlain(
  bytes: Buffer,
  contentBytesMax: number = CONTENT_BYTES_MAX,
): Buffer | undefined {
  if (bytes.length < HEADER_BYTES + TRAILER_BYTES) return undefined
  if (!bytes.subarray(0, HEADER_START.length).equals(HEADER_START)) return undefined
  const trailer = bytes.length - TRAILER_BYTES
  const content = inflateAll(bytes.subarray(HEADER_BYTES, trailer), contentBytesMax)
  if (content === undefined) return undefined
  const isWhole =
    bytes.readUInt32LE(trailer) === crc32(content) &&
    bytes.readUInt32LE(trailer + 4) === content.length % 2 ** 32
  return isWhole ? content : undefined
}

function inflateAll(bytes: Buffer, maxOutputLength: number): Buffer | undefined {
  try {
    const { buffer, engine } = inflateInfo(bytes, maxOutputLength)
    return engine.bytesWritten === bytes.length ? buffer : undefined
  } catch {
    // Every error of zlib says the same here: this is not what was compressed.
    return undefined
  }
}

interface Inflated {
  readonly buffer: Buffer
  /** Its `bytesWritten`: how many of the compressed bytes were used. */
  readonly engine: { readonly bytesWritten: number }
}

function inflateInfo(bytes: Buffer, maxOutputLength: number): Inflated {
  const inflated: unknown = inflateRawSync(bytes, { maxOutputLength, info: true })
  // With `info` zlib hands out this object; its type declarations leave that out.
  return inflated as Inflated
}
