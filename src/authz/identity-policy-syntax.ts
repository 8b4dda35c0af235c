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
import { resourceProblem } from './resource-form.ts'

const SYNTAX = 'Syntax errors in policy.'
const LEGACY = 'The policy failed legacy parsing'
const LISTS = ['Action', 'NotAction', 'Resource', 'NotResource']
const SID = /^[A-Za-z0-9]*$/

/**
 * What is wrong with a policy of an identity, in the words of IAM's MalformedPolicyDocument and in its
 * order: all of the syntax first, then the version, then each rule for all statements.
 * @param needsVersion IAM saves only policies of version 2012-10-17; others may be of the first
 * Source: IAM User Guide, Grammar of the IAM JSON policy language; texts as clients have met them.
 */
export function identityPolicyProblem(policy: unknown, needsVersion: boolean): string | undefined {
  if (!isJsonObject(policy) || hasSyntaxError(policy)) return SYNTAX
  if (needsVersion && policy['Version'] !== '2012-10-17') {
    return 'Policy document must be version 2012-10-17 or greater.'
  }
  const statements = listOf(policy['Statement']).filter(isJsonObject)
  return (
    firstOf(statements, legacyProblem) ??
    sidsProblem(statements) ??
    firstOf(statements, actionsMissing) ??
    firstOf(statements, (statement) =>
      firstOf(textsOfPair(statement, 'Resource'), resourceProblem),
    ) ??
    firstOf(statements, (statement) => firstOf(textsOfPair(statement, 'Action'), actionProblem)) ??
    firstOf(statements, resourcesMissing)
  )
}

function firstOf<T>(
  items: readonly T[],
  problemOf: (item: T) => string | undefined,
): string | undefined {
  for (const item of items) {
    const problem = problemOf(item)
    if (problem !== undefined) return problem
  }
  return undefined
}

function hasSyntaxError(policy: JsonMembers): boolean {
  const statements = policy['Statement'] === undefined ? [] : listOf(policy['Statement'])
  return (
    findStranger(policy) !== undefined ||
    !isVersion(policy['Version']) ||
    !isOptionalText(policy['Id']) ||
    statements.length === 0 ||
    statements.some((statement) => !isJsonObject(statement) || isBroken(statement))
  )
}

function isBroken(statement: JsonMembers): boolean {
  const { Effect: effect, Sid: sid, Condition: condition } = statement
  const entries = readCondition(condition)
  return (
    findStatementStranger(statement) !== undefined ||
    !isOptionalText(sid) ||
    typeof effect !== 'string' ||
    !/^(?:allow|deny)$/i.test(effect) ||
    hasBoth(statement, 'Action') ||
    hasBoth(statement, 'Resource') ||
    !LISTS.every((name) => statement[name] === undefined || isTextList(statement[name])) ||
    entries === undefined ||
    findUnknownOperator(entries) !== undefined
  )
}

/** What an older parser of IAM's refuses. */
function legacyProblem(statement: JsonMembers): string | undefined {
  if (hasPair(statement, 'Principal')) return 'Policy document should not specify a principal.'
  const { Effect: effect, Condition: condition } = statement
  if (effect !== 'Allow' && effect !== 'Deny') return LEGACY
  if (hasBadDate(readCondition(condition) ?? [])) return LEGACY
  return textsOfPair(statement, 'Resource').some(isLegacyResource) ? LEGACY : undefined
}

/** An ARN that leaves out both its Region and something behind it, or the service. */
const isLegacyResource = (resource: string): boolean => {
  const parts = resource.split(':')
  return (
    resource.startsWith('arn:aws:') &&
    ((parts.length < 6 && resource.includes('::')) || parts[2] === '')
  )
}

function sidsProblem(statements: readonly JsonMembers[]): string | undefined {
  const sids = statements
    .flatMap((statement) => textsOf(statement['Sid']))
    .filter((sid) => sid !== '')
  if (!sids.every((sid) => SID.test(sid))) {
    return 'Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [A-Za-z0-9]*'
  }
  return new Set(sids).size === sids.length
    ? undefined
    : 'Statement IDs (SID) in a single policy must be unique.'
}

const actionsMissing = (statement: JsonMembers): string | undefined =>
  textsOfPair(statement, 'Action').length === 0
    ? 'Policy statement must contain actions.'
    : undefined

const resourcesMissing = (statement: JsonMembers): string | undefined =>
  textsOfPair(statement, 'Resource').length === 0
    ? 'Policy statement must contain resources.'
    : undefined

function actionProblem(action: string): string | undefined {
  const [vendor = '', ...names] = action.split(':')
  if (names.length > 1) return 'Actions/Condition can contain only one colon.'
  if (names.length === 0) {
    return vendor === '*'
      ? undefined
      : 'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.'
  }
  return vendor === '*' || /^[a-zA-Z0-9.-]*$/.test(vendor)
    ? undefined
    : `Vendor ${vendor} is not valid`
}
