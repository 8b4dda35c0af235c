import { parseStrictJson } from '../core/strict-json.ts'

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
const PRINCIPAL_KINDS = new Set(['AWS', 'Service', 'Federated', 'CanonicalUser'])
const BASE_OPERATORS = [
  'StringEquals',
  'StringNotEquals',
  'StringEqualsIgnoreCase',
  'StringNotEqualsIgnoreCase',
  'StringLike',
  'StringNotLike',
  'NumericEquals',
  'NumericNotEquals',
  'NumericLessThan',
  'NumericLessThanEquals',
  'NumericGreaterThan',
  'NumericGreaterThanEquals',
  'DateEquals',
  'DateNotEquals',
  'DateLessThan',
  'DateLessThanEquals',
  'DateGreaterThan',
  'DateGreaterThanEquals',
  'Bool',
  'BinaryEquals',
  'IpAddress',
  'NotIpAddress',
  'ArnEquals',
  'ArnLike',
  'ArnNotEquals',
  'ArnNotLike',
]
const OPERATORS = new Set(['null', ...BASE_OPERATORS.map((name) => name.toLowerCase())])
const SET_PREFIX = /^(forallvalues|foranyvalue):/
const IF_EXISTS = /ifexists$/

type JsonMembers = Readonly<Record<string, unknown>>

const isMembers = (value: unknown): value is JsonMembers =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A bare value stands for a list of one. */
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value])

const isTexts = (value: unknown): boolean =>
  listOf(value).every((item) => typeof item === 'string') && listOf(value).length > 0

const isConditionValues = (value: unknown): boolean =>
  listOf(value).every((item) => ['string', 'number', 'boolean'].includes(typeof item))

/** What a policy is for; the grammar differs a little. */
export type PolicyKind = 'key' | 'identity' | 'session' | 'trust' | 'service-control'

/**
 * What is wrong with the text of a policy, by grammar alone; undefined for a well-formed one.
 * In a key policy a statement without Resource or Action is accepted, as AWS accepts it.
 * Source: IAM User Guide, policy grammar; texts are ours where AWS's are not known.
 */
export function policyProblem(text: string, kind: PolicyKind = 'key'): string | undefined {
  const parsed = parseStrictJson(text)
  if (!parsed.ok) return 'The policy is not valid JSON.'
  const policy = parsed.value
  if (!isMembers(policy)) return 'The policy is not a JSON object.'
  const stranger = Object.keys(policy).find((member) => !POLICY_MEMBERS.has(member))
  if (stranger !== undefined) return `The policy has an unknown element: ${stranger}.`
  if (policy['Version'] !== undefined && !VERSIONS.has(policy['Version'])) {
    return 'The policy has an invalid Version.'
  }
  if (policy['Id'] !== undefined && typeof policy['Id'] !== 'string')
    return 'The policy has an invalid Id.'
  const statements = listOf(policy['Statement'])
  if (policy['Statement'] === undefined || statements.length === 0)
    return 'The policy has no Statement.'
  for (const statement of statements) {
    const problem = statementProblem(statement, kind)
    if (problem !== undefined) return problem
  }
  return undefined
}

function statementProblem(statement: unknown, kind: PolicyKind): string | undefined {
  if (!isMembers(statement)) return 'Policy contains a statement that is not a JSON object.'
  const stranger = Object.keys(statement).find((member) => !STATEMENT_MEMBERS.has(member))
  if (stranger !== undefined)
    return `Policy contains a statement with an unknown element: ${stranger}.`
  const { Sid: sid, Effect: effect, Condition: condition } = statement
  if (sid !== undefined && typeof sid !== 'string')
    return 'Policy contains a statement with an invalid Sid.'
  if (effect !== 'Allow' && effect !== 'Deny')
    return 'Policy contains a statement with an invalid Effect.'
  return (
    pairProblem(statement, 'Principal', 'NotPrincipal', isPrincipal) ??
    pairProblem(statement, 'Action', 'NotAction', isTexts) ??
    pairProblem(statement, 'Resource', 'NotResource', isTexts) ??
    principalMisplaced(statement, kind) ??
    conditionProblem(condition)
  )
}

function principalMisplaced(statement: JsonMembers, kind: PolicyKind): string | undefined {
  const hasPrincipal = ['Principal', 'NotPrincipal'].some((name) => statement[name] !== undefined)
  if (kind === 'key' || kind === 'trust') {
    return hasPrincipal ? undefined : 'Policy contains a statement with no principal.'
  }
  return hasPrincipal ? 'Policy document should not specify a principal.' : undefined
}

/** An element and its negation: at most one of them, in the right form. */
function pairProblem(
  statement: JsonMembers,
  name: string,
  negation: string,
  isValid: (value: unknown) => boolean,
): string | undefined {
  const value = statement[name]
  const negated = statement[negation]
  if (value !== undefined && negated !== undefined) {
    return `Policy contains a statement with both ${name} and ${negation}.`
  }
  if (value !== undefined && !isValid(value))
    return `Policy contains a statement with an invalid ${name}.`
  if (negated !== undefined && !isValid(negated)) {
    return `Policy contains a statement with an invalid ${negation}.`
  }
  return undefined
}

function isPrincipal(value: unknown): boolean {
  if (value === '*') return true
  if (!isMembers(value)) return false
  const entries = Object.entries(value)
  return (
    entries.length > 0 &&
    entries.every(([kind, names]) => PRINCIPAL_KINDS.has(kind) && isTexts(names))
  )
}

function conditionProblem(condition: unknown): string | undefined {
  if (condition === undefined) return undefined
  if (!isMembers(condition)) return 'Policy contains a statement with an invalid Condition.'
  for (const [operator, keys] of Object.entries(condition)) {
    if (!isOperator(operator)) return `Policy contains an unknown condition operator: ${operator}.`
    if (!isMembers(keys) || !Object.values(keys).every(isConditionValues)) {
      return `Policy contains a statement with an invalid Condition under ${operator}.`
    }
  }
  return undefined
}

/** `Null` takes neither prefix nor suffix; every other operator takes both. Case does not count. */
function isOperator(name: string): boolean {
  const lower = name.toLowerCase()
  return (
    OPERATORS.has(lower) ||
    (lower !== 'nullifexists' &&
      OPERATORS.has(lower.replace(SET_PREFIX, '').replace(IF_EXISTS, '')))
  )
}
