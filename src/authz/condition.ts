import { assert } from '../core/assert.ts'
import { isJsonObject } from '../core/strict-json.ts'
import type { ConditionContext, ConditionValue } from './access-request.ts'
import type { TextTest } from './arn-pattern.ts'
import type { NamedOperator } from './condition-operators.ts'
import { findOperator } from './condition-operators.ts'
import { parseBool } from './condition-values.ts'
import { parseTemplate } from './policy-variables.ts'

type Test = (context: ConditionContext) => boolean

/** One operator with one key: a block holds where all of its clauses do. */
export interface ConditionClause {
  /** As written: `ForAnyValue:StringLike`. */
  readonly operator: string
  /** As written. */
  readonly key: string
  readonly values: readonly string[]
  readonly holds: Test
  /** The lower-case names of the key and of the variables in its values. */
  readonly reads: readonly string[]
}

/** A Condition block, and the lower-case names of the keys and variables that it reads. */
export interface CompiledCondition {
  readonly holds: Test
  readonly keys: readonly string[]
  readonly clauses: readonly ConditionClause[]
}

/** A bare value stands for a list of one. */
export const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : [value]

/** Whether a value of the request matches any of the policy's. */
const anyOf = (tests: readonly TextTest[]): TextTest => {
  const [only] = tests
  if (only !== undefined && tests.length === 1) return only
  return (text, context) => tests.some((test) => test(text, context))
}

/** What an operator says of the value of a key that is there. */
type ValueTest = (value: ConditionValue, context: ConditionContext) => boolean

/**
 * The comparison with every value of a key. A negated operator asks of a value that it match none of the
 * policy's; without a prefix, of all values of a key. AWS leaves open what operators without a prefix say
 * of several values: here one that matches is enough, and their negation is the opposite.
 * Source: IAM User Guide, Multivalued context keys.
 */
function compareValues({ operator, quantifier }: Comparing, matches: TextTest): ValueTest {
  const { isNegated } = operator
  const satisfies: TextTest = isNegated ? (text, context) => !matches(text, context) : matches
  const isForAll = quantifier === 'for-all-values' || (quantifier === 'any' && isNegated)
  return (value, context) => {
    if (typeof value === 'string') return satisfies(value, context)
    return isForAll
      ? value.every((each) => satisfies(each, context))
      : value.some((each) => satisfies(each, context))
  }
}

type Comparing = Extract<NamedOperator, { name: 'comparison' }>

/** What an operator says of a key that the request has not. */
function holdsWithout({ operator, quantifier, ifExists }: Comparing): boolean {
  if (quantifier === 'for-all-values' || ifExists) return true
  return quantifier === 'any' && operator.isNegated
}

/** An empty list is as if the key were not there. */
const isAbsent = (value: ConditionValue | undefined): value is undefined =>
  value === undefined || (value.length === 0 && typeof value !== 'string')

/** `Null` with `true` wants the key to be absent, with `false` to be there. */
function compileNull(key: string, values: readonly string[]): Test {
  const wanted = values.map(parseBool)
  return (context) => wanted.includes(isAbsent(context.get(key)))
}

function compileKey(
  named: NamedOperator,
  key: string,
  values: readonly string[],
  hasVariables: boolean,
): Pick<ConditionClause, 'holds' | 'reads'> {
  if (named.name === 'null') return { holds: compileNull(key, values), reads: [key] }
  const { comparison } = named.operator
  const templates = values.map((value) =>
    parseTemplate(value, hasVariables && comparison.takesVariables),
  )
  const test = compareValues(named, anyOf(templates.map(comparison.compile)))
  const otherwise = holdsWithout(named)
  return {
    holds: (context) => {
      const value = context.get(key)
      return isAbsent(value) ? otherwise : test(value, context)
    },
    reads: [key, ...templates.flatMap((template) => template.keys)],
  }
}

const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'

/** @throws {AssertionFailure} for a block that is against the grammar */
export function compileCondition(block: unknown, hasVariables: boolean): CompiledCondition {
  assert(isJsonObject(block), 'the Condition of a stored policy is an object')
  const clauses: ConditionClause[] = []
  for (const [name, entries] of Object.entries(block)) {
    assert(isJsonObject(entries), 'the keys of a stored condition are an object')
    const operator = findOperator(name)
    for (const [key, value] of Object.entries(entries)) {
      assert(operator, 'the operators of a stored condition are known')
      const given = listOf(value)
      assert(given.every(isScalar), 'the values of a stored condition are texts')
      const values = given.map(String)
      const compiled = compileKey(operator, key.toLowerCase(), values, hasVariables)
      clauses.push({ operator: name, key, values, ...compiled })
    }
  }
  const tests = clauses.map(({ holds }) => holds)
  const [only] = tests
  return {
    holds:
      only !== undefined && tests.length === 1
        ? only
        : (context) => tests.every((test) => test(context)),
    keys: clauses.flatMap(({ reads }) => reads),
    clauses,
  }
}
