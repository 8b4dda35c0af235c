import { unreachable } from '../core/assert.ts'
import { newBareObject } from '../core/bare-object.ts'
import { ServiceError } from '../core/errors.ts'
import type { OperationModel, RestPlace, Shape } from '../core/model.ts'
import type { RestInput } from './rest-routes.ts'

/**
 * The input of a REST operation from path, query and headers.
 *
 * **Source:** Smithy 2.0, HTTP bindings; RFC 9110, 5.6.7 (dates).
 */

const INTEGER = /^[+-]?\d{1,15}$/
/** The largest value of AWS's 32-bit integers. */
const INT32_MAX = 2_147_483_647

const malformed = (name: string, expected: string): ServiceError =>
  new ServiceError('SerializationException', `Provided ${name} not ${expected}`)

function integerOf(text: string, name: string): number {
  const value = INTEGER.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(value) || Math.abs(value) > INT32_MAX) {
    throw malformed(name, 'an integer or within integer range')
  }
  return value
}

function valueOf(shape: Shape, text: string, name: string): unknown {
  switch (shape.type) {
    case 'string':
      return text
    case 'integer':
      return integerOf(text, name)
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw malformed(name, 'true or false')
      return text === 'true'
    case 'timestamp': {
      const time = Date.parse(text)
      // A condition with a date that is none is no condition.
      return Number.isNaN(time) ? undefined : time
    }
    case 'double':
    case 'blob':
    case 'list':
    case 'map':
    case 'structure':
      throw new TypeError(`no ${shape.type} stands outside of a body`)
    default:
      return unreachable(shape)
  }
}

function textAt({ path, query, headers }: RestInput, place: RestPlace): string | undefined {
  switch (place.in) {
    case 'path':
      return path.get(place.name)
    case 'query':
      return query.get(place.name)
    case 'header':
      return headers[place.name.toLowerCase()]
    case 'headers':
      return undefined
    default:
      return unreachable(place.in)
  }
}

/** The members that the model places outside of the body. @throws ServiceError SerializationException */
export function decodeRestInput(model: OperationModel, input: RestInput): Record<string, unknown> {
  const decoded = newBareObject<unknown>()
  for (const [member, place] of model.rest?.input ?? []) {
    const text = textAt(input, place)
    const shape = model.input.members.get(member)
    if (text === undefined || shape === undefined) continue
    const value = valueOf(shape, text, place.name)
    if (value !== undefined) decoded[member] = value
  }
  return decoded
}
