import { unreachable } from '../core/assert.ts'
import type { Shape, StructureShape } from '../core/model.ts'

/**
 * The longest value, in UTF-16 code units, that an error message repeats. Ours: a key policy may have
 * 128 KiB, and a reply should not grow with what was wrong.
 */
const SHOWN_LENGTH_MAX = 4096

/** Whether a value of this shape may hold what must not be repeated, or could not be. */
const isHidden = (shape: Shape): boolean => {
  switch (shape.type) {
    case 'blob':
      return true
    case 'string':
      return shape.sensitive === true
    case 'list':
      return isHidden(shape.member)
    case 'map':
      return isHidden(shape.key) || isHidden(shape.value)
    case 'structure':
      return [...shape.members.values()].some(isHidden)
    case 'integer':
    case 'double':
    case 'boolean':
    case 'timestamp':
      return false
    default:
      return unreachable(shape)
  }
}

const structureText = (shape: StructureShape, value: object): string => {
  const entries = new Map<string, unknown>(Object.entries(value))
  const members = [...shape.members].map(([name, member]) => {
    const label = name.charAt(0).toLowerCase() + name.slice(1)
    return `${label}=${textOf(member, entries.get(name))}`
  })
  return `${shape.name}(${members.join(', ')})`
}

/** A value in the way of Java's toString, as AWS prints lists, maps and structures. */
const textOf = (shape: Shape, value: unknown): string => {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (shape.type === 'list' && Array.isArray(value)) {
    return `[${value.map((item: unknown) => textOf(shape.member, item)).join(', ')}]`
  }
  if (typeof value !== 'object' || value === null) return 'null'
  if (shape.type === 'structure') return structureText(shape, value)
  if (shape.type !== 'map') return 'null'
  const entries = Object.entries(value).map(([key, item]) => `${key}=${textOf(shape.value, item)}`)
  return `{${entries.join(', ')}}`
}

/**
 * What stands between `Value` and `at`: the value in quotes and a space, or nothing for a blob, for
 * whatever the model marks sensitive, and for a value that is very long.
 */
export const shownValue = (shape: Shape, value: unknown): string => {
  if (isHidden(shape)) return ''
  const text = textOf(shape, value)
  return text.length > SHOWN_LENGTH_MAX ? '' : `'${text}' `
}
