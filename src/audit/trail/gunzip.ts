import { crc32, inflateRawSync } from 'node:zlib'

/** Uncompressed. Far above what a node writes, far below what would exhaust memory. */
const CONTENT_BYTES_MAX = 2 ** 29
const HEADER_BYTES = 10
const TRAILER_BYTES = 8
/** Magic number, DEFLATE, no flags, no time: what is written here says nothing of itself. Source: RFC 1952. */
const HEADER_START = Buffer.from('1f8b080000000000', 'hex')

/**
 * The content of a gzip file of one member with the plainest header, and nothing behind it; undefined for anything
 * else. zlib itself would pass over extra fields and trailing bytes.
 */
export function gunzipPlain(bytes: Buffer): Buffer | undefined {
  if (bytes.length < HEADER_BYTES + TRAILER_BYTES) return undefined
  if (!bytes.subarray(0, HEADER_START.length).equals(HEADER_START)) return undefined
  const trailer = bytes.length - TRAILER_BYTES
  const content = inflateAll(bytes.subarray(HEADER_BYTES, trailer))
  if (content === undefined) return undefined
  const isWhole =
    bytes.readUInt32LE(trailer) === crc32(content) &&
    bytes.readUInt32LE(trailer + 4) === content.length % 2 ** 32
  return isWhole ? content : undefined
}

function inflateAll(bytes: Buffer): Buffer | undefined {
  try {
    const { buffer, engine } = inflateInfo(bytes)
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

function inflateInfo(bytes: Buffer): Inflated {
  const inflated: unknown = inflateRawSync(bytes, {
    maxOutputLength: CONTENT_BYTES_MAX,
    info: true,
  })
  // With `info` zlib hands out this object; its type declarations leave that out.
  return inflated as Inflated
}
