import { assert } from '../core/assert.ts'
import { isJsonObject, parseStrictJson } from '../core/strict-json.ts'
import type { ConditionContext } from './access-request.ts'
import type { ResourceTest } from './arn-pattern.ts'
import { compileResource } from './arn-pattern.ts'
import type { ConditionClause } from './condition.ts'
import { compileCondition, listOf } from './condition.ts'
import type {
  CompiledPrincipals,
  NamedPrincipals,
  PrincipalIds,
  PrincipalMatcher,
} from './principal-matcher.ts'
import { compilePrincipals } from './principal-matcher.ts'
import { compileWildcard, hasWildcard } from './wildcard.ts'

/** The element Resource or NotResource, for explanations. */
export interface ResourceTexts {
  readonly element: 'Resource' | 'NotResource'
  readonly texts: readonly string[]
  /** Lower-case names of their variables. */
  readonly reads: readonly string[]
}

/** One statement, ready to be asked. */
export interface CompiledStatement {
  /** Position in its policy, from 0. */
  readonly index: number
  readonly sid: string | undefined
  readonly effect: 'Allow' | 'Deny'
  /** Absent in policies of identities. */
  readonly principals: PrincipalMatcher | undefined
  /** Whom the element names, for explanations; absent as `principals`. */
  readonly named: NamedPrincipals | undefined
  /** Absent where the statement names no resources: it has no effect but in a trust policy. */
  readonly resources: ResourceTest | undefined
  /** How the resources are written, and which variables stand in them; absent as `resources`. */
  readonly resourceTexts: ResourceTexts | undefined
  /** Absent where it has no conditions. */
  readonly condition: ((context: ConditionContext) => boolean) | undefined
  /** The conditions one by one: for explanations. */
  readonly clauses: readonly ConditionClause[]
  /** The lower-case condition keys and variables that it reads. */
  readonly keys: readonly string[]
}

/** A policy that is ready to be asked. Compile it once for each version of its text. */
export interface CompiledPolicy {
  /** Every lower-case condition key and variable that it reads. */
  readonly contextKeys: ReadonlySet<string>
  /** The statements that speak of an action, given in lower case, in their order. */
  readonly statementsFor: (action: string) => readonly CompiledStatement[]
}

/** A policy without statements: it neither allows nor denies anything. */
export const EMPTY_POLICY: CompiledPolicy = { contextKeys: new Set(), statementsFor: () => [] }

/** Actions are a few hundred; names that a simulation makes up must not grow the memory of a policy. */
const REMEMBERED_ACTIONS_MAX = 256
/** Policies before this version have no variables. */
const VERSION_WITH_VARIABLES = '2012-10-17'

type Members = Readonly<Record<string, unknown>>

const textsOf = (value: unknown): readonly string[] =>
  listOf(value).map((item) => {
    assert(typeof item === 'string', 'the lists of a stored policy are of texts')
    return item
  })

/** Exact names are looked up, patterns tried one by one. Case does not count. */
function compileActions(patterns: readonly string[]): (action: string) => boolean {
  const lower = patterns.map((pattern) => pattern.toLowerCase())
  const exact = new Set(lower.filter((pattern) => !hasWildcard(pattern)))
  const tests = lower.filter(hasWildcard).map(compileWildcard)
  return (action) => exact.has(action) || tests.some((test) => test(action))
}

/** Undefined for a statement with neither Action nor NotAction: it has no effect. */
function actionsOf(statement: Members): ((action: string) => boolean) | undefined {
  if (statement['Action'] !== undefined) return compileActions(textsOf(statement['Action']))
  if (statement['NotAction'] === undefined) return undefined
  const isLeftOut = compileActions(textsOf(statement['NotAction']))
  return (action) => !isLeftOut(action)
}

function resourcesOf(
  statement: Members,
  hasVariables: boolean,
): { readonly test: ResourceTest; readonly written: ResourceTexts } | undefined {
  const isNegated = statement['Resource'] === undefined
  const value = statement['Resource'] ?? statement['NotResource']
  if (value === undefined) return undefined
  const texts = textsOf(value)
  const patterns = texts.map((pattern) => compileResource(pattern, hasVariables))
  const reads = patterns.flatMap((pattern) => pattern.keys)
  const element = isNegated ? 'NotResource' : 'Resource'
  const [only] = patterns
  const test: ResourceTest =
    only !== undefined && patterns.length === 1
      ? only.test
      : (name, context) => patterns.some((pattern) => pattern.test(name, context))
  return {
    test: isNegated ? (name, context) => !test(name, context) : test,
    written: { element, texts, reads },
  }
}

function principalsOf(statement: Members, ids: PrincipalIds): CompiledPrincipals | undefined {
  const isNegated = statement['Principal'] === undefined
  const value = statement['Principal'] ?? statement['NotPrincipal']
  if (value === undefined) return undefined
  return compilePrincipals({ value, isNegated, isAllow: statement['Effect'] === 'Allow' }, ids)
}

interface Indexed {
  readonly statement: CompiledStatement
  readonly actions: (action: string) => boolean
}

function compileStatement(
  statement: unknown,
  index: number,
  facts: { readonly hasVariables: boolean; readonly principalIds: PrincipalIds },
): Indexed | undefined {
  assert(isJsonObject(statement), 'the statements of a stored policy are objects')
  const { Effect: effect, Sid: sid, Condition: block } = statement
  assert(effect === 'Allow' || effect === 'Deny', 'a stored statement has an effect')
  const actions = actionsOf(statement)
  if (actions === undefined) return undefined
  const resources = resourcesOf(statement, facts.hasVariables)
  const condition = block === undefined ? undefined : compileCondition(block, facts.hasVariables)
  const principals = principalsOf(statement, facts.principalIds)
  const compiled: CompiledStatement = {
    index,
    sid: typeof sid === 'string' ? sid : undefined,
    effect,
    principals: principals?.matches,
    named: principals?.named,
    resources: resources?.test,
    resourceTexts: resources?.written,
    condition: condition?.holds,
    clauses: condition?.clauses ?? [],
    keys: [...(resources?.written.reads ?? []), ...(condition?.keys ?? [])],
  }
  return { statement: compiled, actions }
}

/** Statements by action, looked for once for each action. */
function indexByAction(statements: readonly Indexed[]): CompiledPolicy['statementsFor'] {
  const known = new Map<string, readonly CompiledStatement[]>()
  return (action) => {
    const found = known.get(action)
    if (found !== undefined) return found
    const speaking = statements
      .filter(({ actions }) => actions(action))
      .map(({ statement }) => statement)
    if (known.size >= REMEMBERED_ACTIONS_MAX) known.clear()
    known.set(action, speaking)
    return speaking
  }
}

/**
 * Compiles the text of a policy that `policyProblem` has nothing against.
 * @param principalIds ids of the principals that a policy of a resource names, by ARN
 * @throws {AssertionFailure} for text that is against the grammar: it must never have been stored
 */
export function compilePolicy(text: string, principalIds: PrincipalIds = {}): CompiledPolicy {
  const parsed = parseStrictJson(text)
  assert(parsed.ok && isJsonObject(parsed.value), 'a stored policy is a JSON object')
  const hasVariables = parsed.value['Version'] === VERSION_WITH_VARIABLES
  const statements = listOf(parsed.value['Statement']).flatMap((statement, index) => {
    const compiled = compileStatement(statement, index, { hasVariables, principalIds })
    return compiled === undefined ? [] : [compiled]
  })
  return {
    contextKeys: new Set(statements.flatMap(({ statement }) => statement.keys)),
    statementsFor: indexByAction(statements),
  }
}
