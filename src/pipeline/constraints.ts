import { unreachable } from '../core/assert.ts'
import type { Shape } from '../core/model.ts'
import { Secret } from '../core/secret.ts'

/** One constraint of a shape and AWS's words for it. */
export interface Constraint {
  readonly text: string
  holds(value: unknown): boolean
}

export interface Constraints {
  /** In the order in which AWS reports them for one value: the pattern, then the length. */
  readonly each: readonly Constraint[]
  /**
   * AWS's words for all of them where a list or a map is reported for its elements: maximum, minimum,
   * pattern. Source of both orders: replies recorded with Kinesis and ACM.
   */
  readonly all: readonly string[]
}

const textOf = (value: unknown): string => {
  if (value instanceof Secret) return new TextDecoder().decode(value.expose())
  return typeof value === 'string' ? value : ''
}

/** Unicode code points, which is what the models' lengths of strings count. */
const codePoints = (text: string): number => {
  let count = 0
  for (const _ of text) count++
  return count
}

const isLonger = (text: string, max: number): boolean =>
  // The units are counted only where they can make a difference: a code point has at most two.
  text.length > max && (text.length > 2 * max || codePoints(text) > max)

const isShorter = (text: string, min: number): boolean =>
  text.length < min || (text.length < 2 * min && codePoints(text) < min)

/** How many bytes, items or entries. A value of another kind has none. */
const sizeOf = (value: unknown): number => {
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length
  if (value instanceof Secret) return value.sizeBytes
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0
}

const lengthText = (bound: 'greater' | 'less', length: number): string =>
  `Member must have length ${bound} than or equal to ${length}`

/**
 * The whole value must match, as in Java, whose `\s` is ASCII alone. The models' patterns take time
 * linear in the value, and their users skip them for a value that is too long.
 */
export const compilePattern = (pattern: string): RegExp =>
  new RegExp(
    `^(?:${pattern.replaceAll('\\s', '\\t\\n\\v\\f\\r ')})$`,
    // Properties of characters are known in Unicode mode alone, which refuses escapes that other patterns have.
    pattern.includes('\\p{') ? 'u' : '',
  )

const stringConstraints = (shape: Shape & { readonly type: 'string' }): Constraints => {
  const { min = 0, max = Number.POSITIVE_INFINITY, pattern } = shape
  const each: Constraint[] = []
  const all: string[] = []
  if (max !== Number.POSITIVE_INFINITY) all.push(lengthText('less', max))
  if (min > 0 || shape.min !== undefined) all.push(lengthText('greater', min))
  if (shape.enum !== undefined) {
    const values = new Set<string>(shape.enum)
    const text = `Member must satisfy enum value set: [${shape.enum.join(', ')}]`
    each.push({ text, holds: (value) => values.has(textOf(value)) })
    all.push(text)
  }
  if (pattern !== undefined && shape.patternSays === undefined) {
    const regex = compilePattern(pattern)
    const text = `Member must satisfy regular expression pattern: ${pattern}`
    const holds = (value: string): boolean => isLonger(value, max) || regex.test(value)
    each.push({ text, holds: (value) => holds(textOf(value)) })
    all.push(text)
  }
  if (min > 0) {
    const text = lengthText('greater', min)
    each.push({ text, holds: (value) => !isShorter(textOf(value), min) })
  }
  if (max !== Number.POSITIVE_INFINITY) {
    const text = lengthText('less', max)
    each.push({ text, holds: (value) => !isLonger(textOf(value), max) })
  }
  return { each, all }
}

const rangeConstraints = (
  bounds: { readonly min?: number; readonly max?: number },
  words: (bound: 'greater' | 'less', limit: number) => string,
  measure: (value: unknown) => number,
): Constraints => {
  const { min, max } = bounds
  const lower: Constraint[] =
    min === undefined
      ? []
      : [{ text: words('greater', min), holds: (value) => measure(value) >= min }]
  const upper: Constraint[] =
    max === undefined ? [] : [{ text: words('less', max), holds: (value) => measure(value) <= max }]
  const all = [...upper, ...lower].map(({ text }) => text)
  // A minimum of nothing always holds: it is named among the others, not checked.
  return { each: min === 0 && measure === sizeOf ? upper : [...lower, ...upper], all }
}

const valueText = (bound: 'greater' | 'less', limit: number): string =>
  `Member must have value ${bound} than or equal to ${limit}`

/** The constraints of a shape itself, not of what it contains. */
export const constraintsOf = (shape: Shape): Constraints => {
  switch (shape.type) {
    case 'string':
      return stringConstraints(shape)
    case 'integer':
      return rangeConstraints(shape, valueText, Number)
    case 'blob':
    case 'list':
    case 'map':
      return rangeConstraints(shape, lengthText, sizeOf)
    case 'double':
    case 'boolean':
    case 'timestamp':
    case 'structure':
      return { each: [], all: [] }
    default:
      return unreachable(shape)
  }
}
