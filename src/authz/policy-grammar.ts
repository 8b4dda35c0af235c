import { isJsonObject } from '../core/strict-json.ts'
import { listOf } from './condition.ts'
import { findOperator } from './condition-operators.ts'
import { isDateText } from './condition-values.ts'

// What the grammars of all kinds of policies have in common, without any words about what is wrong.

/** Source: IAM User Guide, Grammar of the IAM JSON policy language. */
const VERSIONS: ReadonlySet<unknown> = new Set(['2008-10-17', '2012-10-17'])
const POLICY_MEMBERS = new Set(['Version', 'Id', 'Statement'])
const STATEMENT_MEMBERS = new Set([
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
])

export type JsonMembers = Readonly<Record<string, unknown>>

/** The first member that a policy must not have. */
export const findStranger = (policy: JsonMembers): string | undefined =>
  Object.keys(policy).find((member) => !POLICY_MEMBERS.has(member))

/** The first member that a statement must not have. */
export const findStatementStranger = (statement: JsonMembers): string | undefined =>
  Object.keys(statement).find((member) => !STATEMENT_MEMBERS.has(member))

/** A version of the language, or none: then it is the first. */
export const isVersion = (value: unknown): boolean => value === undefined || VERSIONS.has(value)

/** A text, or nothing. */
export const isOptionalText = (value: unknown): boolean =>
  value === undefined || typeof value === 'string'

/** A text or a list of texts, which may be empty. */
export const isTextList = (value: unknown): boolean =>
  listOf(value).every((item) => typeof item === 'string')

/** The texts of a member; none where it is not there. Anything else in it is left out. */
export const textsOf = (value: unknown): readonly string[] =>
  value === undefined ? [] : listOf(value).filter((item) => typeof item === 'string')

/** The texts of a member or of its negation, of which a statement has one. */
export const textsOfPair = (statement: JsonMembers, name: string): readonly string[] => [
  ...textsOf(statement[name]),
  ...textsOf(statement[`Not${name}`]),
]

/** Whether a statement has a member or its negation, even if empty. */
export const hasPair = (statement: JsonMembers, name: string): boolean =>
  statement[name] !== undefined || statement[`Not${name}`] !== undefined

/** Whether a statement has a member and its negation, which exclude each other. */
export const hasBoth = (statement: JsonMembers, name: string): boolean =>
  statement[name] !== undefined && statement[`Not${name}`] !== undefined

const isScalar = (value: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof value)

/** One key of a condition with its operator, as they were written. */
export interface ConditionEntry {
  readonly operator: string
  readonly key: string
  readonly values: readonly unknown[]
}

/** What a Condition block says, or undefined for a value that is none. */
export function readCondition(block: unknown): readonly ConditionEntry[] | undefined {
  if (block === undefined) return []
  if (!isJsonObject(block)) return undefined
  const entries: ConditionEntry[] = []
  for (const [operator, keys] of Object.entries(block)) {
    if (!isJsonObject(keys)) return undefined
    for (const [key, value] of Object.entries(keys)) {
      const values = listOf(value)
      if (!values.every(isScalar)) return undefined
      entries.push({ operator, key, values })
    }
  }
  return entries
}

/** The first operator that there is not. */
export const findUnknownOperator = (entries: readonly ConditionEntry[]): string | undefined =>
  entries.map(({ operator }) => operator).find((operator) => findOperator(operator) === undefined)

/** Whether a value that should be a date is none. */
export const hasBadDate = (entries: readonly ConditionEntry[]): boolean =>
  entries.some(
    ({ operator, values }) =>
      /^(?:for\w+:)?date/i.test(operator) && !values.every((value) => isDateText(String(value))),
  )
