import { assert, unreachable } from '../core/assert.ts'
import { newBareObject } from '../core/bare-object.ts'
import { ServiceError } from '../core/errors.ts'
import { type Instant, instant } from '../core/ids.ts'
import type { Shape, StructureShape } from '../core/model.ts'
import { Secret } from '../core/secret.ts'
import { isJsonObject } from '../core/strict-json.ts'
import { base64Fault, decodeBase64, decodeSecretBase64 } from './base64.ts'

type Decode = (value: unknown) => unknown
/** A structure's members by name; the shape says their types. */
export type DecodeStructure = (value: unknown) => Record<string, unknown>

const LIST_FOUND = 'Start of list found where not expected'
const MAP_FOUND = 'Start of structure or map found where not expected.'
const INTEGER_MIN = -0x8000_0000
const INTEGER_MAX = 0x7fff_ffff
/** The range of ECMAScript's time value. */
const INSTANT_MAX = 8.64e15
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/

const failure = (message?: string): ServiceError =>
  new ServiceError('SerializationException', message)

/** AWS's names for the tokens of JSON. */
const tokenOf = (value: unknown): string => {
  if (typeof value === 'string') return 'STRING_VALUE'
  if (typeof value === 'number') return 'NUMBER_VALUE'
  return value === true ? 'TRUE_VALUE' : 'FALSE_VALUE'
}

/** @param scalarText What AWS says when the value is a string, a number or a boolean. */
const mismatch = (value: unknown, scalarText: string): ServiceError => {
  if (Array.isArray(value)) return failure(LIST_FOUND)
  return failure(isJsonObject(value) ? MAP_FOUND : scalarText)
}

const notConvertible = (value: unknown, target: string): ServiceError =>
  mismatch(value, `${tokenOf(value)} can not be converted to ${target}`)

const decodeString = (value: unknown): string => {
  if (typeof value !== 'string') throw notConvertible(value, 'a String')
  return value
}

// TextEncoder gives memory of its own, which Buffer.from would cut from a shared pool.
const decodeSecretString = (value: unknown): Secret =>
  new Secret(new TextEncoder().encode(decodeString(value)))

const decodeBoolean = (value: unknown): boolean => {
  // AWS's text has this article.
  if (typeof value !== 'boolean') throw notConvertible(value, 'an Boolean')
  return value
}

const decodeInteger = (value: unknown): number => {
  if (typeof value !== 'number') throw notConvertible(value, 'an Integer')
  // AWS drops fractions, and leaves numbers beyond 32 bits to the constraint that they break. The
  // sum turns the negative zero that -0.5 gives into zero.
  return Math.min(Math.max(Math.trunc(value), INTEGER_MIN), INTEGER_MAX) + 0
}

const decodeDouble = (value: unknown): number => {
  if (typeof value !== 'number') throw notConvertible(value, 'a Double')
  return value
}

const decodeTimestamp = (value: unknown): Instant => {
  let ms = Number.NaN
  if (typeof value === 'number') ms = Math.round(value * 1000)
  else if (typeof value === 'string' && DATE_TIME.test(value)) ms = Date.parse(value)
  if (!(Math.abs(ms) <= INSTANT_MAX)) throw notConvertible(value, 'milliseconds since epoch')
  return instant(ms)
}

// The value is not quoted: what was meant to be a blob may be as secret as one.
const notBase64 = (value: string): ServiceError =>
  failure(`STRING_VALUE can not be converted to a Blob: ${base64Fault(value)}`)

const decodeBlob = (value: unknown): Uint8Array => {
  if (typeof value !== 'string') throw notConvertible(value, 'a Blob')
  const bytes = decodeBase64(value)
  if (bytes === undefined) throw notBase64(value)
  return bytes
}

const decodeSecretBlob = (value: unknown): Secret => {
  if (typeof value !== 'string') throw notConvertible(value, 'a Blob')
  const bytes = decodeSecretBase64(value)
  if (bytes === undefined) throw notBase64(value)
  return new Secret(bytes)
}

const listDecoder =
  (item: Decode): Decode =>
  (value) => {
    if (!Array.isArray(value)) throw mismatch(value, 'Expected list or null')
    return value.map((member: unknown) => (member === null ? null : item(member)))
  }

const mapDecoder =
  (item: Decode): Decode =>
  (value) => {
    if (!isJsonObject(value)) throw mismatch(value, 'Expected map or null')
    // The keys are the client's: without a prototype `constructor` is a key like any other.
    const map = newBareObject<unknown>()
    for (const key in value) {
      const member = value[key]
      map[key] = member === null ? null : item(member)
    }
    return map
  }

interface FieldDecoder {
  readonly name: string
  readonly decode: Decode
}

const decodeFields = (fields: readonly FieldDecoder[], value: unknown): Record<string, unknown> => {
  if (!isJsonObject(value)) throw mismatch(value, 'Expected null')
  const result: Record<string, unknown> = {}
  try {
    for (const field of fields) {
      const member = value[field.name]
      if (member !== undefined && member !== null) result[field.name] = field.decode(member)
    }
  } catch (error) {
    // Nobody will own the secrets that were decoded before the mistake.
    wipe(result)
    throw error
  }
  return result
}

/** Zeroes the secrets of a structure, and of the structures in it. */
const wipe = (structure: object): void => {
  for (const member of Object.values(structure)) {
    if (member instanceof Secret) member[Symbol.dispose]()
    else if (isJsonObject(member) && !(member instanceof Uint8Array)) wipe(member)
  }
}

/**
 * Makes decoders from shapes: wire JSON to typed values. Unknown members are ignored, and a null is
 * an absent member; in a list or a map it stays, for the validator to refuse. Each shape is compiled
 * once for the lifetime of the factory.
 */
export const createDecoders = (): ((shape: StructureShape) => DecodeStructure) => {
  const structures = new WeakMap<StructureShape, DecodeStructure>()

  const compile = (shape: Shape): Decode => {
    switch (shape.type) {
      case 'string':
        return shape.sensitive === true ? decodeSecretString : decodeString
      case 'blob':
        return shape.sensitive === true ? decodeSecretBlob : decodeBlob
      case 'integer':
        return decodeInteger
      case 'double':
        return decodeDouble
      case 'boolean':
        return decodeBoolean
      case 'timestamp':
        return decodeTimestamp
      case 'list':
        return listDecoder(compile(shape.member))
      case 'map':
        return mapDecoder(compile(shape.value))
      case 'structure':
        return structureDecoder(shape)
      default:
        return unreachable(shape)
    }
  }

  const structureDecoder = (shape: StructureShape): DecodeStructure => {
    const known = structures.get(shape)
    if (known !== undefined) return known
    const fields: FieldDecoder[] = []
    const decode: DecodeStructure = (value) => decodeFields(fields, value)
    // Known before its members are compiled, so that a shape may contain itself.
    structures.set(shape, decode)
    for (const [name, member] of shape.members) {
      assert(
        !(name in Object.prototype),
        `${shape.name} has a member that every object has: ${name}`,
      )
      fields.push({ name, decode: compile(member) })
    }
    return decode
  }

  return structureDecoder
}

/**
 * The whole input of an operation.
 * @throws {ServiceError} SerializationException.
 */
export const decodeTopLevel = (
  decode: DecodeStructure,
  value: unknown,
): Record<string, unknown> => {
  // For a bare string, number, boolean or null AWS has no words.
  if (!isJsonObject(value)) throw failure(Array.isArray(value) ? LIST_FOUND : undefined)
  return decode(value)
}
