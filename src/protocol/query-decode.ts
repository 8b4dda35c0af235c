import { unreachable } from '../core/assert.ts'
import { newBareObject } from '../core/bare-object.ts'
import { ServiceError } from '../core/errors.ts'
import { instant } from '../core/ids.ts'
import type { Shape, StructureShape } from '../core/model.ts'
import { Secret } from '../core/secret.ts'
import { decodeBase64, decodeSecretBase64 } from './base64.ts'
import type { FormValue } from './form.ts'

/**
 * Typed values of the texts that a Query request is made of.
 *
 * **Source:** Smithy 2.0, AWS query protocol; the texts are ours, because none of AWS's are published.
 */

const INTEGER_MIN = -0x8000_0000
const INTEGER_MAX = 0x7fff_ffff
const DOUBLE = /^[+-]?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?$/
const INTEGER = /^[+-]?\d{1,40}$/
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/

/** The value is not repeated: what was meant to be something else may be a secret. */
const wrongForm = (path: string): ServiceError =>
  new ServiceError('SerializationException', `${path} has the wrong form`)

function textOf(value: FormValue, path: string): string {
  if (typeof value !== 'string') throw wrongForm(path)
  return value
}

function decodeInteger(value: FormValue, path: string): number {
  const text = textOf(value, path)
  if (!INTEGER.test(text)) throw wrongForm(path)
  // Beyond 32 bits the constraint says what is wrong.
  return Math.min(Math.max(Number(text), INTEGER_MIN), INTEGER_MAX)
}

function decodeDouble(value: FormValue, path: string): number {
  const text = textOf(value, path)
  if (!DOUBLE.test(text)) throw wrongForm(path)
  return Number(text)
}

function decodeBoolean(value: FormValue, path: string): boolean {
  const text = textOf(value, path).toLowerCase()
  if (text !== 'true' && text !== 'false') throw wrongForm(path)
  return text === 'true'
}

function decodeTimestamp(value: FormValue, path: string) {
  const text = textOf(value, path)
  const ms = DATE_TIME.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) throw wrongForm(path)
  return instant(ms)
}

function decodeBlob(value: FormValue, path: string): Uint8Array {
  const bytes = decodeBase64(textOf(value, path))
  if (bytes === undefined) throw wrongForm(path)
  return bytes
}

function decodeSecretBlob(value: FormValue, path: string): Secret {
  const bytes = decodeSecretBase64(textOf(value, path))
  if (bytes === undefined) throw wrongForm(path)
  return new Secret(bytes)
}

function decodeList(member: Shape, value: FormValue, path: string): readonly unknown[] {
  // An empty list is written as its name alone.
  if (value === '') return []
  if (!Array.isArray(value)) throw wrongForm(path)
  return value.map((item, at) => decodeValue(member, item, `${path}.${at + 1}`))
}

function decodeMap(
  shape: { readonly key: Shape; readonly value: Shape },
  value: FormValue,
  path: string,
) {
  // The keys are the client's: without a prototype `constructor` is a key like any other.
  const map = newBareObject<unknown>()
  if (value === '') return map
  if (!Array.isArray(value)) throw wrongForm(path)
  for (const entry of value) {
    if (typeof entry === 'string' || Array.isArray(entry)) throw wrongForm(path)
    const key = textOf(entry['key'] ?? [], path)
    if (key in map) throw wrongForm(path)
    map[key] = decodeValue(shape.value, entry['value'] ?? '', path)
  }
  return map
}

function decodeStructure(
  shape: StructureShape,
  value: FormValue,
  path: string,
): Record<string, unknown> {
  if (typeof value === 'string' || Array.isArray(value)) throw wrongForm(path)
  const result: Record<string, unknown> = {}
  try {
    for (const [name, member] of shape.members) {
      const given = value[name]
      if (given === undefined) continue
      result[name] = decodeValue(member, given, path === '' ? name : `${path}.${name}`)
    }
  } catch (error) {
    // Nobody will own the secrets that were decoded before the mistake.
    for (const member of Object.values(result)) {
      if (member instanceof Secret) member[Symbol.dispose]()
    }
    throw error
  }
  return result
}

function decodeValue(shape: Shape, value: FormValue, path: string): unknown {
  switch (shape.type) {
    case 'string': {
      const text = textOf(value, path)
      // TextEncoder gives memory of its own, which Buffer.from would cut from a shared pool.
      return shape.sensitive === true ? new Secret(new TextEncoder().encode(text)) : text
    }
    case 'blob':
      return shape.sensitive === true ? decodeSecretBlob(value, path) : decodeBlob(value, path)
    case 'integer':
      return decodeInteger(value, path)
    case 'double':
      return decodeDouble(value, path)
    case 'boolean':
      return decodeBoolean(value, path)
    case 'timestamp':
      return decodeTimestamp(value, path)
    case 'list':
      return decodeList(shape.member, value, path)
    case 'map':
      return decodeMap(shape, value, path)
    case 'structure':
      return decodeStructure(shape, value, path)
    default:
      return unreachable(shape)
  }
}

/**
 * The input of an operation. Parameters that the model does not name are ignored, as AWS ignores them.
 * @throws ServiceError SerializationException
 */
export const decodeQueryInput = (
  shape: StructureShape,
  parameters: Readonly<Record<string, FormValue>>,
): Record<string, unknown> => decodeStructure(shape, parameters, '')
