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
