import { assert, unreachable } from '../core/assert.ts'
import type { Shape, StructureShape } from '../core/model.ts'
import { Secret } from '../core/secret.ts'
import { isJsonObject } from '../core/strict-json.ts'

/**
 * Typed values as CBOR. Types are asserted, so that a value of the wrong kind fails the request instead of leaking.
 *
 * **Source:** RFC 8949, section 3; Smithy 2.0, RPC v2 CBOR.
 */

const MAJOR = { uint: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6 } as const
const FALSE = 0xf4
const TRUE = 0xf5
const DOUBLE = 0xfb
const TAG_TIME = 1

/** The first byte of an item and the number that belongs to it, in its shortest form. */
function head(major: number, argument: number): Buffer {
  const first = major << 5
  if (argument < 24) return Buffer.of(first | argument)
  if (argument < 0x1_00) return Buffer.of(first | 24, argument)
  const bytes = Buffer.alloc(argument < 0x1_0000 ? 3 : argument < 0x1_0000_0000 ? 5 : 9)
  if (bytes.length === 3) {
    bytes[0] = first | 25
    bytes.writeUInt16BE(argument, 1)
  } else if (bytes.length === 5) {
    bytes[0] = first | 26
    bytes.writeUInt32BE(argument, 1)
  } else {
    bytes[0] = first | 27
    bytes.writeBigUInt64BE(BigInt(argument), 1)
  }
  return bytes
}

function double(value: number): Buffer {
  const bytes = Buffer.alloc(9)
  bytes[0] = DOUBLE
  bytes.writeDoubleBE(value, 1)
  return bytes
}

const integer = (value: number): Buffer =>
  value < 0 ? head(MAJOR.negative, -1 - value) : head(MAJOR.uint, value)

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([head(MAJOR.text, bytes.length), bytes])
}

const blob = (bytes: Uint8Array): Buffer => Buffer.concat([head(MAJOR.bytes, bytes.length), bytes])

const map = (members: readonly (readonly [string, Buffer])[]): Buffer =>
  Buffer.concat([
    head(MAJOR.map, members.length),
    ...members.flatMap(([name, value]) => [text(name), value]),
  ])

function encodeValue(shape: Shape, value: unknown): Buffer {
  switch (shape.type) {
    case 'string':
      if (value instanceof Secret && shape.sensitive === true) {
        return Buffer.concat([head(MAJOR.text, value.sizeBytes), value.expose()])
      }
      assert(typeof value === 'string', 'an output has another value in place of a string')
      return text(value)
    case 'blob': {
      const bytes = value instanceof Secret && shape.sensitive === true ? value.expose() : value
      assert(bytes instanceof Uint8Array, 'an output has another value in place of a blob')
      return blob(bytes)
    }
    case 'integer':
      assert(Number.isSafeInteger(value), 'an output has another value in place of an integer')
      return integer(Number(value))
    case 'double':
      assert(typeof value === 'number', 'an output has another value in place of a number')
      return double(value)
    case 'boolean':
      assert(typeof value === 'boolean', 'an output has another value in place of a boolean')
      return Buffer.of(value ? TRUE : FALSE)
    case 'timestamp':
      assert(typeof value === 'number', 'an output has no instant')
      return Buffer.concat([head(MAJOR.tag, TAG_TIME), double(value / 1000)])
    case 'list':
      assert(Array.isArray(value), 'an output has another value in place of a list')
      return Buffer.concat([
        head(MAJOR.array, value.length),
        ...value.map((item: unknown) => encodeValue(shape.member, item)),
      ])
    case 'map':
      assert(isJsonObject(value), 'an output has another value in place of a map')
      return map(Object.entries(value).map(([key, item]) => [key, encodeValue(shape.value, item)]))
    case 'structure':
      return writeCborStructure(shape, value)
    default:
      return unreachable(shape)
  }
}

/** A structure as a map of its members that are there. @throws {AssertionFailure} when it does not have the shape */
export function writeCborStructure(shape: StructureShape, value: unknown): Buffer {
  assert(isJsonObject(value), 'an output is no structure')
  const members: (readonly [string, Buffer])[] = []
  for (const [name, member] of shape.members) {
    const given = value[name]
    if (given !== undefined) members.push([name, encodeValue(member, given)])
    else assert(!shape.required.includes(name), `an output lacks ${name}`)
  }
  return map(members)
}

/** Texts by their names. */
export const writeCborTexts = (texts: Readonly<Record<string, string>>): Buffer =>
  map(Object.entries(texts).map(([name, value]) => [name, text(value)]))
