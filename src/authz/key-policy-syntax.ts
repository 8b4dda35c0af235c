import { isJsonObject } from '../core/strict-json.ts'
import { listOf } from './condition.ts'
import type { ConditionEntry, JsonMembers } from './policy-grammar.ts'
import {
  findStatementStranger,
  findStranger,
  findUnknownOperator,
  hasBadDate,
  hasBoth,
  hasPair,
  isOptionalText,
  isTextList,
  isVersion,
  readCondition,
} from './policy-grammar.ts'
import { principalProblem } from './principal-form.ts'

// Texts are ours where AWS's are not known; they have the form of those that are.
const IN_STATEMENT = 'Policy contains a statement with'
const CONDITION_KEY = /^[^\s:]+:\S.*$/s
/** Keys of one value each, of which ForAllValues says nothing that was meant. */
const SINGLE_VALUED: readonly { readonly prefix: string; readonly what: string }[] = [
  { prefix: 'kms:encryptioncontext:', what: 'encryption context' },
  { prefix: 'aws:requesttag/', what: 'tag' },
]

/**
 * What is wrong with a key policy. A statement without Resource or Action is accepted, as AWS accepts it.
 * Source: AWS KMS Developer Guide, Key policies; AWS KMS API Reference, PutKeyPolicy.
 */
export function keyPolicyProblem(policy: unknown): string | undefined {
  if (!isJsonObject(policy)) return 'The policy is not a JSON object.'
  const stranger = findStranger(policy)
  if (stranger !== undefined) return `The policy has an unknown element: ${stranger}.`
  if (!isVersion(policy['Version'])) return 'The policy has an invalid Version.'
  if (!isOptionalText(policy['Id'])) return 'The policy has an invalid Id.'
  const statements = listOf(policy['Statement'])
  if (policy['Statement'] === undefined || statements.length === 0) {
    return 'The policy has no Statement.'
  }
  for (const statement of statements) {
    const problem = statementProblem(statement)
    if (problem !== undefined) return problem
  }
  return undefined
}

function statementProblem(statement: unknown): string | undefined {
  if (!isJsonObject(statement)) return 'Policy contains a statement that is not a JSON object.'
  const stranger = findStatementStranger(statement)
  if (stranger !== undefined) return `${IN_STATEMENT} an unknown element: ${stranger}.`
  if (!isOptionalText(statement['Sid'])) return `${IN_STATEMENT} an invalid Sid.`
  if (statement['Effect'] !== 'Allow' && statement['Effect'] !== 'Deny') {
    return `${IN_STATEMENT} an invalid Effect.`
  }
  const pair = ['Principal', 'Action', 'Resource'].find((name) => hasBoth(statement, name))
  if (pair !== undefined) return `${IN_STATEMENT} both ${pair} and Not${pair}.`
  if (!hasPair(statement, 'Principal')) return `${IN_STATEMENT} no principal.`
  return (
    principalsProblem(statement['Principal'] ?? statement['NotPrincipal']) ??
    listsProblem(statement) ??
    conditionProblem(statement['Condition'])
  )
}

function principalsProblem(value: unknown): string | undefined {
  const problem = principalProblem(value)
  if (problem === undefined) return undefined
  return problem === 'form'
    ? `${IN_STATEMENT} an invalid Principal.`
    : `${IN_STATEMENT} one or more invalid principals.`
}

function listsProblem(statement: JsonMembers): string | undefined {
  const invalid = ['Action', 'NotAction', 'Resource', 'NotResource'].find((name) => {
    const value = statement[name]
    return value !== undefined && (!isTextList(value) || listOf(value).length === 0)
  })
  return invalid && `${IN_STATEMENT} an invalid ${invalid}.`
}

function conditionProblem(block: unknown): string | undefined {
  const entries = readCondition(block)
  if (entries === undefined) return `${IN_STATEMENT} an invalid Condition.`
  const operator = findUnknownOperator(entries)
  if (operator !== undefined) return `Policy contains an unknown condition operator: ${operator}.`
  const misspelt = entries.find(({ key }) => !CONDITION_KEY.test(key))
  if (misspelt !== undefined) return `${IN_STATEMENT} an invalid condition key: ${misspelt.key}.`
  if (hasBadDate(entries)) return `${IN_STATEMENT} an invalid date.`
  return overlyPermissive(entries)
}

/** Source: AWS KMS Developer Guide, Condition keys for AWS KMS: ForAllValues with single-valued keys. */
function overlyPermissive(entries: readonly ConditionEntry[]): string | undefined {
  for (const { operator, key } of entries) {
    if (!operator.toLowerCase().startsWith('forallvalues:')) continue
    const found = SINGLE_VALUED.find(({ prefix }) => key.toLowerCase().startsWith(prefix))
    if (found === undefined) continue
    const { what } = found
    return `OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued condition key matches requests without the specified ${what} or with an unspecified ${what}. To fix, remove ForAllValues.`
  }
  return undefined
}
