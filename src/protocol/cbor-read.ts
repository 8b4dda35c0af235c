import { newBareObject } from '../core/bare-object.ts'
import { ServiceError } from '../core/errors.ts'

/**
 * Reads CBOR as Smithy's clients write it, into what JSON of the same meaning would be: maps become objects
 * without a prototype, a tagged time the number of its seconds, undefined null. Made for untrusted bytes: depth
 * and items are bounded, a key stands once, and nothing follows the item.
 *
 * **Source:** RFC 8949, section 3; Smithy 2.0, RPC v2 CBOR.
 */

/** Requests nest less than ten levels deep. */
const DEPTH_MAX = 32
/** A request of the largest size that means something has fewer. */
const ITEMS_MAX = 100_000

const MAJOR = {
  uint: 0,
  negative: 1,
  bytes: 2,
  text: 3,
  array: 4,
  map: 5,
  tag: 6,
  simple: 7,
} as const
const INDEFINITE = 31
const BREAK = 0xff
/** Seconds since the Unix epoch. */
const TAG_TIME = 1
const SIMPLE = { false: 20, true: 21, null: 22, undefined: 23 } as const
const FLOAT = { half: 25, single: 26, double: 27 } as const

const malformed = (what: string): never => {
  throw new ServiceError('SerializationException', `The body is not CBOR: ${what}`)
}

/** @throws ServiceError SerializationException */
export function readCbor(bytes: Uint8Array): unknown {
  const reader = new Reader(bytes)
  const value = reader.item(1)
  return reader.isAtEnd ? value : malformed('something follows the item')
}

class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0
  #items = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  item(depth: number): unknown {
    if (depth > DEPTH_MAX) malformed('it is too deep')
    if (++this.#items > ITEMS_MAX) malformed('it has too many items')
    const first = this.#byte()
    const info = first & 0x1f
    switch (first >> 5) {
      case MAJOR.uint:
        return this.#argument(info)
      case MAJOR.negative:
        return -1 - this.#argument(info)
      case MAJOR.bytes:
        return this.#string(MAJOR.bytes, info)
      case MAJOR.text:
        return textOf(this.#string(MAJOR.text, info))
      case MAJOR.array:
        return this.#array(info, depth)
      case MAJOR.map:
        return this.#map(info, depth)
      case MAJOR.tag:
        return this.#tagged(info, depth)
      default:
        return this.#simple(info)
    }
  }

  #array(info: number, depth: number): readonly unknown[] {
    const items: unknown[] = []
    // A declared length allocates nothing: it only says how many items must follow.
    const length = info === INDEFINITE ? undefined : this.#argument(info)
    while (!this.#isOver(items.length, length)) items.push(this.item(depth + 1))
    return items
  }

  #map(info: number, depth: number): object {
    // The keys are the client's: without a prototype `constructor` is a key like any other.
    const members = newBareObject<unknown>()
    const length = info === INDEFINITE ? undefined : this.#argument(info)
    for (let read = 0; !this.#isOver(read, length); read++) {
      const key = this.item(depth + 1)
      if (typeof key !== 'string' || key === '__proto__') return malformed('a key is no text')
      if (key in members) return malformed('a map has a key twice')
      members[key] = this.item(depth + 1)
    }
    return members
  }

  #tagged(info: number, depth: number): number {
    if (this.#argument(info) !== TAG_TIME) malformed('a tag is not known')
    const seconds = this.item(depth + 1)
    return typeof seconds === 'number' ? seconds : malformed('a time is no number')
  }

  #simple(info: number): boolean | null | number {
    switch (info) {
      case SIMPLE.false:
        return false
      case SIMPLE.true:
        return true
      case SIMPLE.null:
      case SIMPLE.undefined:
        return null
      case FLOAT.half:
        return this.#view.getFloat16(this.#skip(2))
      case FLOAT.single:
        return this.#view.getFloat32(this.#skip(4))
      case FLOAT.double:
        return this.#view.getFloat64(this.#skip(8))
      default:
        return malformed('a simple value is not known')
    }
  }

  /** Bytes or text: in one piece, or in pieces of a known length up to a break. */
  #string(major: number, info: number): Uint8Array {
    if (info !== INDEFINITE) return this.#take(this.#argument(info))
    const pieces: Uint8Array[] = []
    while (!this.#isOver(0, undefined)) {
      if (++this.#items > ITEMS_MAX) malformed('it has too many items')
      const first = this.#byte()
      if (first >> 5 !== major) malformed('a string has a piece of another kind')
      pieces.push(this.#take(this.#argument(first & 0x1f)))
    }
    return Buffer.concat(pieces)
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
    if (info < 24) return info
    switch (info) {
      case 24:
        return this.#byte()
      case 25:
        return this.#view.getUint16(this.#skip(2))
      case 26:
        return this.#view.getUint32(this.#skip(4))
      case 27: {
        const value = this.#view.getBigUint64(this.#skip(8))
        return value <= Number.MAX_SAFE_INTEGER ? Number(value) : malformed('a number is too large')
      }
      default:
        return malformed('a length is not known')
    }
  }

  #byte(): number {
    return this.#bytes[this.#at++] ?? malformed('it ends too early')
  }

  #take(length: number): Uint8Array {
    const start = this.#skip(length)
    return this.#bytes.subarray(start, start + length)
  }

  /** Where the next bytes begin, once it is sure that they are all there. */
  #skip(length: number): number {
    const start = this.#at
    if (start + length > this.#bytes.length) malformed('it ends too early')
    this.#at += length
    return start
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return malformed('a text is not UTF-8')
  }
}
