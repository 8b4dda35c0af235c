import { assert } from '../core/assert.ts'

/**
 * The length-prefixed list: a count, then each field behind its length, all u32 big-endian. Different
 * fields never give the same bytes. `headroomBytes` of zeros stay free in front, for a header.
 * The result may share memory with other buffers: it is for public fields.
 * @throws {AssertionFailure} for text that is not well-formed: two such texts would encode alike.
 * **Source:** docs/formats/ciphertext-v1.md, Length-prefixed list.
 */
export function lengthPrefixed(
  fields: readonly (string | Uint8Array)[],
  headroomBytes = 0,
): Uint8Array {
  return ofAscii(fields, headroomBytes) ?? ofAnything(fields, headroomBytes)
}

const ASCII_MAX = 0x7f
/** Longer texts are left to the runtime, which copies faster than a loop does. */
const LOOPED_UNITS_MAX = 64

/**
 * The same for short texts of ASCII, which encryption contexts and places are: each of their characters is a byte,
 * and a loop over them costs less than one call into the runtime. Undefined where there is anything else.
 */
function ofAscii(
  fields: readonly (string | Uint8Array)[],
  headroomBytes: number,
): Uint8Array | undefined {
  let sizeBytes = headroomBytes + 4 + 4 * fields.length
  for (const field of fields) {
    if (typeof field !== 'string' || field.length > LOOPED_UNITS_MAX) return undefined
    sizeBytes += field.length
  }
  const bytes = Buffer.allocUnsafe(sizeBytes)
  bytes.fill(0, 0, headroomBytes)
  let offset = bytes.writeUInt32BE(fields.length, headroomBytes)
  for (const field of fields) {
    offset = bytes.writeUInt32BE(field.length, offset)
    for (let at = 0; at < field.length; at++) {
      // Whatever is no string has been sent away above.
      const unit = (field as string).charCodeAt(at)
      if (unit > ASCII_MAX) return undefined
      bytes[offset++] = unit
    }
  }
  return bytes
}

function ofAnything(fields: readonly (string | Uint8Array)[], headroomBytes: number): Uint8Array {
  let sizeBytes = headroomBytes + 4
  for (const field of fields) {
    sizeBytes += 4 + (typeof field === 'string' ? Buffer.byteLength(field) : field.length)
  }
  const bytes = Buffer.allocUnsafe(sizeBytes)
  bytes.fill(0, 0, headroomBytes)
  let offset = bytes.writeUInt32BE(fields.length, headroomBytes)
  for (const field of fields) {
    let written: number
    if (typeof field === 'string') {
      assert(field.isWellFormed(), 'text that is authenticated must be well-formed Unicode')
      written = bytes.write(field, offset + 4)
    } else {
      bytes.set(field, offset + 4)
      written = field.length
    }
    offset = bytes.writeUInt32BE(written, offset) + written
  }
  return bytes
}
