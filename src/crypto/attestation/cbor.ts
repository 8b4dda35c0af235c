/** A data item. Bytes are borrowed from what was read. */
export type CborValue = number | string | Uint8Array | null | readonly CborValue[] | CborMap
/** Keys are integers or text, each once. */
export type CborMap = ReadonlyMap<number | string, CborValue>

/** A document nests three levels deep, its COSE envelope two. */
const DEPTH_MAX = 4
/** A document with everything that it may have holds about a hundred. */
const ITEMS_MAX = 256

const MAJOR = { uint: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, simple: 7 } as const
const INDEFINITE = 31
const NULL = 22
const BREAK = 0xff
/** The smallest value that needs an argument of 1, 2, 4 or 8 bytes. */
const LEAST_IN = [24, 0x1_00, 0x1_0000, 0x1_0000_0000] as const

class Malformed extends Error {}

const malformed = (): never => {
  throw new Malformed()
}

/**
 * Reads the one data item that `bytes` are, or gives undefined. Made for untrusted bytes, it knows no
 * more than attestation documents need: integers up to 2^53, strings, arrays, maps and null. Each
 * number and length stands in its shortest form, no map has a key twice, and nothing follows the item.
 *
 * Arrays and maps of indefinite length are read as well, because documents of today begin with one;
 * strings in pieces, tags, floating point and other simple values are not.
 *
 * **Source:** RFC 8949, sections 3 and 4.2.1 (without the order of map keys).
 */
export function parseCbor(bytes: Uint8Array): CborValue | undefined {
  try {
    const reader = new CborReader(bytes)
    const value = reader.item(1)
    return reader.isAtEnd ? value : undefined
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}

class CborReader {
  readonly #bytes: Uint8Array
  #at = 0
  #items = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  item(depth: number): CborValue {
    if (depth > DEPTH_MAX || ++this.#items > ITEMS_MAX) malformed()
    const first = this.#byte()
    const major = first >> 5
    const info = first & 0x1f
    switch (major) {
      case MAJOR.uint:
        return this.#argument(info)
      case MAJOR.negative:
        return -1 - this.#argument(info)
      case MAJOR.bytes:
        return this.#take(this.#argument(info))
      case MAJOR.text:
        return textOf(this.#take(this.#argument(info)))
      case MAJOR.array:
        return this.#array(info, depth)
      case MAJOR.map:
        return this.#map(info, depth)
      default:
        return major === MAJOR.simple && info === NULL ? null : malformed()
    }
  }

  #array(info: number, depth: number): readonly CborValue[] {
    const items: CborValue[] = []
    // A declared length allocates nothing: it only says how many items must follow.
    const left = info === INDEFINITE ? undefined : this.#argument(info)
    while (!this.#isOver(items.length, left)) items.push(this.item(depth + 1))
    return items
  }

  #map(info: number, depth: number): CborMap {
    const members = new Map<number | string, CborValue>()
    const left = info === INDEFINITE ? undefined : this.#argument(info)
    while (!this.#isOver(members.size, left)) {
      const key = this.item(depth + 1)
      if ((typeof key !== 'number' && typeof key !== 'string') || members.has(key)) {
        return malformed()
      }
      members.set(key, this.item(depth + 1))
    }
    return members
  }

  /** Whether an array or a map ends here. `length` is undefined where a break ends it. */
  #isOver(read: number, length: number | undefined): boolean {
    if (length !== undefined) return read === length
    if (this.#bytes[this.#at] !== BREAK) return false
    this.#at++
    return true
  }

  /** The number that the first byte holds or announces. */
  #argument(info: number): number {
    if (info < LEAST_IN[0]) return info
    const least = LEAST_IN[info - LEAST_IN[0]]
    if (least === undefined) return malformed()
    const count = 1 << (info - LEAST_IN[0])
    let value = 0
    for (let i = 0; i < count; i++) value = value * 0x1_00 + this.#byte()
    return value >= least && value <= Number.MAX_SAFE_INTEGER ? value : malformed()
  }

  #byte(): number {
    return this.#bytes[this.#at++] ?? malformed()
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.length) malformed()
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return malformed()
  }
}
