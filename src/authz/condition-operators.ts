import type { TextTest } from './arn-pattern.ts'
import { compileArnTemplate } from './arn-pattern.ts'
import { parseBinary, parseBool, parseDate, parseNumber } from './condition-values.ts'
import { compileIpRange } from './ip-range.ts'
import type { Template } from './policy-variables.ts'
import { fillPattern, fillsTo } from './policy-variables.ts'
import { compileWildcard, matchesCodes } from './wildcard.ts'

/** What an operator says of one value of the request and one of the policy. */
export interface Comparison {
  /** Whether values of the policy may have variables. */
  readonly takesVariables: boolean
  /** A test of one value of the request. A value of the policy that cannot be read matches nothing. */
  readonly compile: (template: Template) => TextTest
}

/** An operator without prefix and suffix. A negated one is true where its opposite is false. */
export interface Operator {
  readonly comparison: Comparison
  readonly isNegated: boolean
}

const never = (): boolean => false

/** The text of a template that has no variables, which that of an operator without them never has. */
const writtenText = ({ pieces }: Template): string =>
  pieces.map((piece) => (piece.kind === 'variable' ? '' : piece.text)).join('')

const lowerCase = ({ pieces, keys }: Template): Template => ({
  pieces: pieces.map((piece) =>
    piece.kind === 'variable'
      ? { ...piece, fallback: piece.fallback?.toLowerCase() }
      : { ...piece, text: piece.text.toLowerCase() },
  ),
  keys,
})

const isFixed = ({ keys }: Template): boolean => keys.length === 0

const equal: Comparison = {
  takesVariables: true,
  compile: (template) => {
    if (!isFixed(template)) return (text, context) => fillsTo(template, text, context)
    const expected = writtenText(template)
    return (text) => text === expected
  },
}

const equalIgnoringCase: Comparison = {
  takesVariables: true,
  compile: (template) => {
    const lower = lowerCase(template)
    if (isFixed(template)) {
      const expected = writtenText(lower)
      return (text) => text.toLowerCase() === expected
    }
    return (text, context) =>
      fillsTo(lower, text.toLowerCase(), {
        get: (key) => {
          const value = context.get(key)
          return typeof value === 'string' ? value.toLowerCase() : value
        },
      })
  },
}

const like: Comparison = {
  takesVariables: true,
  compile: (template) => {
    const [only, ...others] = template.pieces
    if (only === undefined) return (text) => text === ''
    if (others.length === 0 && only.kind === 'written') return compileWildcard(only.text)
    return (text, context) => {
      const codes = fillPattern(template, context, text.length)
      return codes !== undefined && matchesCodes(codes, text)
    }
  },
}

const arnLike: Comparison = { takesVariables: true, compile: compileArnTemplate }

/** Compares what both texts mean; text that means nothing matches nothing. */
const meaning = <T>(
  parse: (text: string) => T | undefined,
  holds: (ofRequest: T, ofPolicy: T) => boolean,
): Comparison => ({
  takesVariables: false,
  compile: (template) => {
    const ofPolicy = parse(writtenText(template))
    if (ofPolicy === undefined) return never
    return (text) => {
      const ofRequest = parse(text)
      return ofRequest !== undefined && holds(ofRequest, ofPolicy)
    }
  },
})

const isEqual = <T>(left: T, right: T): boolean => left === right
const isLess = (left: number, right: number): boolean => left < right
const isLessOrEqual = (left: number, right: number): boolean => left <= right
const isGreater = (left: number, right: number): boolean => left > right
const isGreaterOrEqual = (left: number, right: number): boolean => left >= right

const inRange: Comparison = {
  takesVariables: false,
  compile: (template) => compileIpRange(writtenText(template)) ?? never,
}

const is = (comparison: Comparison): Operator => ({ comparison, isNegated: false })
const isNot = (comparison: Comparison): Operator => ({ comparison, isNegated: true })

/**
 * Every operator but Null, by lower-case name.
 * Source: IAM User Guide, JSON policy elements: Condition operators.
 */
const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ['stringequals', is(equal)],
  ['stringnotequals', isNot(equal)],
  ['stringequalsignorecase', is(equalIgnoringCase)],
  ['stringnotequalsignorecase', isNot(equalIgnoringCase)],
  ['stringlike', is(like)],
  ['stringnotlike', isNot(like)],
  ['numericequals', is(meaning(parseNumber, isEqual))],
  ['numericnotequals', isNot(meaning(parseNumber, isEqual))],
  ['numericlessthan', is(meaning(parseNumber, isLess))],
  ['numericlessthanequals', is(meaning(parseNumber, isLessOrEqual))],
  ['numericgreaterthan', is(meaning(parseNumber, isGreater))],
  ['numericgreaterthanequals', is(meaning(parseNumber, isGreaterOrEqual))],
  ['dateequals', is(meaning(parseDate, isEqual))],
  ['datenotequals', isNot(meaning(parseDate, isEqual))],
  ['datelessthan', is(meaning(parseDate, isLess))],
  ['datelessthanequals', is(meaning(parseDate, isLessOrEqual))],
  ['dategreaterthan', is(meaning(parseDate, isGreater))],
  ['dategreaterthanequals', is(meaning(parseDate, isGreaterOrEqual))],
  ['bool', is(meaning(parseBool, isEqual))],
  ['binaryequals', is(meaning(parseBinary, isEqual))],
  ['ipaddress', is(inRange)],
  ['notipaddress', isNot(inRange)],
  ['arnequals', is(arnLike)],
  ['arnlike', is(arnLike)],
  ['arnnotequals', isNot(arnLike)],
  ['arnnotlike', isNot(arnLike)],
])

/** How the values of a key are counted. */
export type Quantifier = 'any' | 'for-all-values' | 'for-any-value'

/** A condition operator as a policy names it. */
export type NamedOperator =
  | { readonly name: 'null' }
  | {
      readonly name: 'comparison'
      readonly operator: Operator
      readonly quantifier: Quantifier
      /** True where the request has no such key. */
      readonly ifExists: boolean
    }

const IF_EXISTS = 'ifexists'
const QUANTIFIERS: ReadonlyMap<string, Quantifier> = new Map([
  ['forallvalues', 'for-all-values'],
  ['foranyvalue', 'for-any-value'],
])

/** The operator of a name, whatever its case; undefined for a name that is none. Null takes neither prefix nor suffix. */
export function findOperator(name: string): NamedOperator | undefined {
  const lower = name.toLowerCase()
  if (lower === 'null') return { name: 'null' }
  const colon = lower.indexOf(':')
  const quantifier = colon === -1 ? 'any' : QUANTIFIERS.get(lower.slice(0, colon))
  const suffixed = lower.slice(colon + 1)
  const ifExists = suffixed.endsWith(IF_EXISTS)
  const operator = OPERATORS.get(ifExists ? suffixed.slice(0, -IF_EXISTS.length) : suffixed)
  if (operator === undefined || quantifier === undefined) return undefined
  return { name: 'comparison', operator, quantifier, ifExists }
}
