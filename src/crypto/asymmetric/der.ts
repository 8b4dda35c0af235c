/** The few ASN.1 tags that key encodings use. **Source:** ITU-T X.690, section 8. */
export const DER = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  sequence: 0x30,
  context0: 0xa0,
  context1: 0xa1,
} as const

const LENGTH_BYTES_MAX = 4

/** One element of DER. `content` borrows the bytes it was read from. */
export interface DerElement {
  readonly tag: number
  readonly content: Uint8Array
  /** Where the next element begins. */
  readonly end: number
}

/** Writes an element whose content is `parts`, one behind the other, in memory of its own: parts may be secret. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const header = lengthBytes(length)
  const bytes = new Uint8Array(1 + header.length + length)
  bytes[0] = tag
  bytes.set(header, 1)
  let at = 1 + header.length
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

const lengthBytes = (length: number): readonly number[] => {
  if (length < 0x80) return [length]
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return [0x80 | bytes.length, ...bytes]
}

/** Reads the element at `offset`; undefined where none of definite, minimal length fits. */
export function readDer(bytes: Uint8Array, offset = 0): DerElement | undefined {
  const tag = bytes[offset]
  const first = bytes[offset + 1]
  if (tag === undefined || first === undefined) return undefined
  let length = first
  let start = offset + 2
  if (first >= 0x80) {
    const count = first - 0x80
    if (count === 0 || count > LENGTH_BYTES_MAX) return undefined
    length = 0
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[start + i] ?? 0)
    start += count
    if (lengthBytes(length).length !== 1 + count) return undefined
  }
  const end = start + length
  if (end > bytes.length) return undefined
  return { tag, content: bytes.subarray(start, end), end }
}

/** The elements that fill `bytes` without a rest, or undefined. */
export function readAllDer(bytes: Uint8Array): readonly DerElement[] | undefined {
  const elements: DerElement[] = []
  let offset = 0
  while (offset < bytes.length) {
    const element = readDer(bytes, offset)
    if (element === undefined) return undefined
    elements.push(element)
    offset = element.end
  }
  return elements
}

/** Whether `bytes` are one element in DER and nothing behind it. */
export const isOneDerElement = (bytes: Uint8Array): boolean => readDer(bytes)?.end === bytes.length

/**
 * Whether `bytes` are one element in BER and nothing behind it. An element of indefinite length ends
 * where its parser says; that it is told here by its first bytes.
 */
export function isOneBerElement(bytes: Uint8Array): boolean {
  const first = bytes[1] ?? 0
  if (first < 0x80) return bytes.length === 2 + first
  const count = first - 0x80
  if (count === 0) return true
  if (count > LENGTH_BYTES_MAX) return false
  let length = 0
  for (let i = 0; i < count; i++) length = length * 256 + (bytes[2 + i] ?? 0)
  return bytes.length === 2 + count + length
}
