import { assert, unreachable } from '../core/assert.ts'
import type { MapShape, Shape, StructureShape } from '../core/model.ts'
import { Secret } from '../core/secret.ts'
import { encodeBase64 } from './base64.ts'
import type { XmlValue } from './xml.ts'

/**
 * Typed values as the XML of a Query reply has them. Types are asserted, so that a value of the wrong kind
 * fails the request instead of leaking.
 *
 * **Source:** Smithy 2.0, AWS query protocol; recorded replies of IAM.
 */

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** ISO 8601 in UTC with whole seconds, as IAM and STS write it. */
const timestampText = (milliseconds: number): string =>
  `${new Date(Math.floor(milliseconds / 1000) * 1000).toISOString().slice(0, 19)}Z`

function secretText(value: unknown): string {
  assert(value instanceof Secret, 'an output has another value in place of a secret')
  return new TextDecoder().decode(value.expose())
}

function encodeBlob(value: unknown, isSensitive: boolean): string {
  const bytes = isSensitive && value instanceof Secret ? value.expose() : value
  assert(bytes instanceof Uint8Array, 'an output has another value in place of a blob')
  return encodeBase64(bytes)
}

function encodeMap(shape: MapShape, value: unknown): XmlValue {
  assert(isRecord(value), 'an output has another value in place of a map')
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return new Map(entries.map(([key, item]) => [key, encodeValue(shape.value, item)]))
}

function encodeValue(shape: Shape, value: unknown): XmlValue {
  switch (shape.type) {
    case 'string':
      if (shape.sensitive === true) return secretText(value)
      assert(typeof value === 'string', 'an output has another value in place of a string')
      return value
    case 'blob':
      return encodeBlob(value, shape.sensitive === true)
    case 'integer':
      assert(Number.isSafeInteger(value), 'an output has another value in place of an integer')
      return Number(value)
    case 'double':
      assert(Number.isFinite(value), 'an output has no finite number')
      return Number(value)
    case 'boolean':
      assert(typeof value === 'boolean', 'an output has another value in place of a boolean')
      return value
    case 'timestamp':
      assert(typeof value === 'number', 'an output has no instant')
      return timestampText(value)
    case 'list':
      assert(Array.isArray(value), 'an output has another value in place of a list')
      return value.map((item: unknown) => encodeValue(shape.member, item))
    case 'map':
      return encodeMap(shape, value)
    case 'structure':
      assert(isRecord(value), 'an output has another value in place of a structure')
      return encodeMembers(shape, value)
    default:
      return unreachable(shape)
  }
}

function encodeMembers(shape: StructureShape, value: Readonly<Record<string, unknown>>) {
  const members: Record<string, XmlValue> = {}
  for (const [name, member] of shape.members) {
    const given = value[name]
    if (given !== undefined) members[name] = encodeValue(member, given)
    else assert(!shape.required.includes(name), `an output lacks ${name}`)
  }
  return members
}

/** The output of an operation, its members in the model's order. */
export function encodeQueryOutput(
  shape: StructureShape,
  output: object,
): { readonly [name: string]: XmlValue } {
  assert(isRecord(output), 'an output is no structure')
  return encodeMembers(shape, output)
}
