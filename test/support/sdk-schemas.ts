import assert from 'node:assert/strict'
import type { ServiceModel, Shape, StructureShape } from '../../src/core/model.ts'

// The oracle is the schemas that AWS generates into its SDK for JavaScript. Their notation: a number is
// a simple type, 64 and 128 are added for lists and maps of it, tuples are named shapes that begin with
// their kind, and functions give shapes lazily. The trait bit 8 is `sensitive`.
const SIMPLE: ReadonlyMap<unknown, string> = new Map([
  [0, 'string'],
  [1, 'number'],
  [2, 'boolean'],
  [4, 'timestamp'],
  [21, 'blob'],
  // One that the SDK streams.
  [42, 'blob'],
])
const LIST = 64
const MAP = 128

/** A schema as what it is made of. */
export const tuple = (value: unknown): readonly unknown[] => {
  const made: unknown = typeof value === 'function' ? value() : value
  assert.ok(Array.isArray(made), `no tuple: ${String(made)}`)
  return made
}

/** What a schema says of a type, in words that both sides have. */
export const describeSdk = (schema: unknown): string => {
  if (typeof schema === 'number') {
    if (schema >= MAP) return `map of string to ${describeSdk(schema - MAP)}`
    if (schema >= LIST) return `list of ${describeSdk(schema - LIST)}`
    return SIMPLE.get(schema) ?? `unknown ${schema}`
  }
  const [kind, , name, traits, first, second] = tuple(schema)
  // A member with traits of its own: the shape and the traits.
  if (typeof kind === 'function') return describeSdk(kind)
  const sensitive = traits === 8 ? 'sensitive ' : ''
  if (kind === 0) return sensitive + describeSdk(first)
  if (kind === 1) return `list of ${describeSdk(first)}`
  if (kind === 2) return `map of ${describeSdk(first)} to ${describeSdk(second)}`
  return `structure ${String(name)}`
}

/** What our tables say of it. */
export const describeOurs = (shape: Shape): string => {
  if (shape.type === 'list') return `list of ${describeOurs(shape.member)}`
  if (shape.type === 'map')
    return `map of ${describeOurs(shape.key)} to ${describeOurs(shape.value)}`
  if (shape.type === 'structure') return `structure ${shape.name}`
  const sensitive = 'sensitive' in shape && shape.sensitive ? 'sensitive ' : ''
  // The SDK has one word for numbers of all kinds.
  if (shape.type === 'integer' || shape.type === 'double') return 'number'
  return sensitive + shape.type
}

/** The shapes that a shape is made of. */
export const partsOf = (shape: Shape): readonly Shape[] => {
  if (shape.type === 'list') return [shape.member]
  if (shape.type === 'map') return [shape.key, shape.value]
  return shape.type === 'structure' ? [...shape.members.values()] : []
}

/** Every structure that an input or an output is made of. */
export const allStructures = ({
  operations,
}: ServiceModel): ReadonlyMap<string, StructureShape> => {
  const found = new Map<string, StructureShape>()
  const visit = (shape: Shape): void => {
    if (shape.type === 'structure') found.set(shape.name, shape)
    for (const part of partsOf(shape)) visit(part)
  }
  for (const { input, output } of operations.values()) {
    visit(input)
    if (output !== undefined) visit(output)
  }
  return found
}
