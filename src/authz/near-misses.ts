import type { NearMiss, UnmetCondition } from '../core/explanations.ts'
import type { Grant, GrantConstraints } from '../core/tables.ts'
import type { AccessRequest, ConditionContext, ConditionValue } from './access-request.ts'
import { ResourceName } from './arn-pattern.ts'
import type { CompiledStatement } from './compiled-policy.ts'
import type { ConditionClause } from './condition.ts'
import type { KeyAccess } from './decide.ts'
import { CONTEXT_OPERATIONS, constraintsHold, granteeOf, namingOf } from './grant-match.ts'
import type { NamedPolicy, PrincipalPolicies } from './policies.ts'
import { REACH } from './principal-matcher.ts'
import type { PrincipalSide } from './principal-side.ts'
import { judgePrincipal, missingCap, missingLayer } from './principal-side.ts'
import { groundOf, questionOf } from './verdict.ts'

/** How many are kept of one denial. */
export const NEAR_MISSES_MAX = 10
/** How many values of a condition, and how many characters of a value, are kept. */
const VALUES_MAX = 8
const VALUE_CHARS_MAX = 200
const CLAUSES_MAX = 8
/** How many grants are looked at: of many that name a principal, most say the same. */
const GRANTS_LOOKED_AT_MAX = 1000

const cut = (text: string): string =>
  text.length <= VALUE_CHARS_MAX ? text : `${text.slice(0, VALUE_CHARS_MAX)}…`

const cutAll = (values: readonly string[]): readonly string[] =>
  values.slice(0, VALUES_MAX).map(cut)

type Pairs = Readonly<Record<string, string>>

/** Names and values of pairs, as one text each. */
const pairTexts = (pairs: Pairs): readonly string[] =>
  Object.entries(pairs).map(([name, value]) => `${name}=${value}`)

const shownActual = (value: ConditionValue | undefined): UnmetCondition['actual'] =>
  typeof value === 'string' ? cut(value) : value && cutAll(value)

function unmetClause(
  { operator, key, values }: ConditionClause,
  context: ConditionContext,
): UnmetCondition {
  const actual = shownActual(context.get(key.toLowerCase()))
  return { operator, key, values: cutAll(values), ...(actual !== undefined && { actual }) }
}

/** The conditions of an Allow that speaks of the resource and would allow but for them. */
function unmetOf(
  { effect, resources, clauses }: CompiledStatement,
  { resourceArn, context }: AccessRequest,
  asksResources: boolean,
): readonly UnmetCondition[] {
  if (effect !== 'Allow') return []
  if (asksResources && !(resources?.(new ResourceName(resourceArn), context) ?? false)) return []
  return clauses
    .filter(({ holds }) => !holds(context))
    .slice(0, CLAUSES_MAX)
    .map((clause) => unmetClause(clause, context))
}

function* missesIn(
  named: NamedPolicy,
  request: AccessRequest,
  isOfResource: boolean,
): Iterable<NearMiss> {
  const asksResources = named.layer !== 'trust-policy'
  for (const statement of named.policy.statementsFor(request.action.toLowerCase())) {
    const reach = statement.principals?.(request.principal) ?? REACH.none
    if (isOfResource && reach === REACH.none) continue
    const unmet = unmetOf(statement, request, asksResources)
    if (unmet.length === 0) continue
    yield { kind: 'statement', statement: groundOf(named, statement), unmet }
  }
}

const grantCondition = (
  operator: string,
  key: string,
  values: readonly string[],
  actual: UnmetCondition['actual'],
): UnmetCondition => ({
  operator,
  key,
  values: cutAll(values),
  ...(actual !== undefined && { actual: shownActual(actual) }),
})

/** What of a grant does not fit: its operations, or its constraints. */
function unmetOfGrant(
  grant: Grant,
  access: KeyAccess,
  request: AccessRequest,
): readonly UnmetCondition[] {
  const { operation, encryptionContext } = access
  if (!grant.operations.includes(operation)) {
    return [grantCondition('Operations', 'operation', grant.operations, operation)]
  }
  if (constraintsHold(grant, access, request)) return []
  const { encryptionContextEquals, encryptionContextSubset, sourceArn } = grant.constraints ?? {}
  const unmet: UnmetCondition[] = []
  const actualArn = request.context.get('aws:sourcearn')
  if (sourceArn !== undefined && actualArn !== sourceArn) {
    unmet.push(grantCondition('SourceArn', 'aws:SourceArn', [sourceArn], actualArn))
  }
  if (encryptionContext === undefined && !CONTEXT_OPERATIONS.has(operation)) return unmet
  const pairs = pairTexts(encryptionContext ?? {})
  const compare = (operator: string, wanted: Pairs | undefined, constraints: GrantConstraints) => {
    if (wanted === undefined || constraintsHold({ ...grant, constraints }, access, request)) return
    unmet.push(grantCondition(operator, 'encryption context', pairTexts(wanted), pairs))
  }
  compare('EncryptionContextEquals', encryptionContextEquals, { encryptionContextEquals })
  compare('EncryptionContextSubset', encryptionContextSubset, { encryptionContextSubset })
  return unmet
}

/** A grant that names the principal, and why it does not help. */
function grantMiss(
  grant: Grant,
  access: KeyAccess,
  request: AccessRequest,
  side: PrincipalSide,
): NearMiss | undefined {
  const naming = namingOf(granteeOf(grant), request.principal)
  if (naming === undefined) return undefined
  const unmet = unmetOfGrant(grant, access, request)
  const cappedBy =
    naming === 'role' ? missingCap(side) : naming === 'account' ? missingLayer(side) : undefined
  const isNarrower = access.acceptsGrant !== undefined && !access.acceptsGrant(grant)
  const all = isNarrower
    ? [
        ...unmet,
        grantCondition('Delegation', 'operations and constraints', grant.operations, undefined),
      ]
    : unmet
  if (all.length === 0 && cappedBy === undefined) return undefined
  const { grantId, name } = grant
  return { kind: 'grant', grantId, name, unmet: all, ...(cappedBy && { cappedBy }) }
}

function* allMisses(
  request: AccessRequest,
  policies: PrincipalPolicies,
  resource: NamedPolicy | undefined,
  access: KeyAccess | undefined,
): Iterable<NearMiss> {
  if (resource !== undefined) yield* missesIn(resource, request, true)
  if (access !== undefined && access.grants.length > 0) {
    const side = judgePrincipal(questionOf(request), policies)
    for (const grant of access.grants.slice(0, GRANTS_LOOKED_AT_MAX)) {
      const miss = grantMiss(grant, access, request, side)
      if (miss !== undefined) yield miss
    }
  }
  const own = [
    ...policies.identity,
    ...(policies.boundary === undefined ? [] : [policies.boundary]),
    ...(policies.session ?? []),
    ...(policies.serviceControl ?? []),
  ]
  for (const named of own) yield* missesIn(named, request, false)
}

/**
 * What would have allowed but for a condition: statements that speak of the principal, the action and the
 * resource, and grants that name the principal. To be asked of an implicit denial, at once: policies
 * change. Few and short, because they go into the audit log.
 * @param access what was decided on, where it was a key
 * @param trust the trust policy, where it was a role
 */
export function nearMisses(
  request: AccessRequest,
  policies: PrincipalPolicies,
  { access, trust }: { readonly access?: KeyAccess; readonly trust?: NamedPolicy },
): readonly NearMiss[] {
  const found: NearMiss[] = []
  for (const miss of allMisses(request, policies, access?.policy ?? trust, access)) {
    found.push(miss)
    if (found.length >= NEAR_MISSES_MAX) break
  }
  return found
}
