import { isJsonObject } from '../core/strict-json.ts'
import { listOf } from './condition.ts'
import type { JsonMembers } from './policy-grammar.ts'
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
  textsOf,
  textsOfPair,
} from './policy-grammar.ts'
import { principalProblem } from './principal-form.ts'

const SID = /^[A-Za-z0-9]*$/
const SYNTAX = 'Syntax error in policy.'

/**
 * What is wrong with the trust policy of a role, in the words of IAM's MalformedPolicyDocument.
 * Source: IAM User Guide, Role trust policies; texts as clients have met them.
 */
export function trustPolicyProblem(policy: unknown): string | undefined {
  if (!isJsonObject(policy)) return 'This policy contains invalid Json'
  const stranger = findStranger(policy)
  if (stranger !== undefined) return `Unknown field ${stranger}`
  if (!isVersion(policy['Version'])) return 'The policy must contain a valid version string'
  if (!isOptionalText(policy['Id'])) return SYNTAX
  const statements = policy['Statement'] === undefined ? [] : listOf(policy['Statement'])
  if (statements.length === 0) return 'Could not parse the policy: Statement is empty!'
  const sids = new Set<unknown>()
  for (const statement of statements) {
    const problem = statementProblem(statement)
    if (problem !== undefined) return problem
    const sid = isJsonObject(statement) ? statement['Sid'] : undefined
    if (sid === undefined || sid === '') continue
    if (sids.has(sid)) return 'The Statement Ids in the policy are not unique'
    sids.add(sid)
  }
  return undefined
}

function statementProblem(statement: unknown): string | undefined {
  if (!isJsonObject(statement)) return SYNTAX
  const stranger = findStatementStranger(statement)
  if (stranger !== undefined) return `Unknown field ${stranger}`
  const { Effect: effect, Sid: sid } = statement
  if (!isOptionalText(sid) || !textsOf(sid).every((text) => SID.test(text))) return SYNTAX
  if (effect === undefined) return 'Missing required field Effect'
  if (effect !== 'Allow' && effect !== 'Deny') return `Invalid effect: ${JSON.stringify(effect)}`
  if (statement['NotPrincipal'] !== undefined) {
    return effect === 'Allow'
      ? 'Allow with NotPrincipal is not allowed.'
      : 'AssumeRole policy must not contain NotPrincipal field.'
  }
  return (
    principalsProblem(statement['Principal']) ??
    actionsProblem(statement) ??
    resourcesProblem(statement) ??
    conditionProblem(statement['Condition'])
  )
}

function principalsProblem(value: unknown): string | undefined {
  if (value === undefined) return 'Missing required field Principal'
  const problem = principalProblem(value)
  if (problem === undefined) return undefined
  if (problem === 'form') {
    const isEmpty = isJsonObject(value) && Object.keys(value).length === 0
    return isEmpty ? 'Missing required field Principal cannot be empty!' : SYNTAX
  }
  // AWS writes the kinds of the others in capitals.
  return `Invalid principal in policy: "${problem.kind.toUpperCase()}":"${problem.name}"`
}

function actionsProblem(statement: JsonMembers): string | undefined {
  if (hasBoth(statement, 'Action')) return SYNTAX
  if (!isTextList(statement['Action'] ?? []) || !isTextList(statement['NotAction'] ?? [])) {
    return SYNTAX
  }
  const actions = textsOfPair(statement, 'Action')
  if (actions.length === 0) return 'Missing required field Action'
  return actions.every((action) => action.toLowerCase().startsWith('sts:'))
    ? undefined
    : 'AssumeRole policy may only specify STS AssumeRole actions.'
}

const resourcesProblem = (statement: JsonMembers): string | undefined =>
  hasPair(statement, 'Resource')
    ? `Has prohibited field ${statement['Resource'] === undefined ? 'NotResource' : 'Resource'}`
    : undefined

function conditionProblem(block: unknown): string | undefined {
  const entries = readCondition(block)
  if (entries === undefined || findUnknownOperator(entries) !== undefined) return SYNTAX
  return hasBadDate(entries) ? SYNTAX : undefined
}
