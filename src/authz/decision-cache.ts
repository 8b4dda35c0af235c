import type { AccountId } from '../core/ids.ts'
import type { Principal } from '../core/principal.ts'
import type { AccessRequest, ConditionContext } from './access-request.ts'
import { type CompiledPolicy, EMPTY_POLICY } from './compiled-policy.ts'
import type { KeyAccess } from './decide.ts'
import { decideByIdentity, decideOnKey } from './decide.ts'
import type { Decision } from './decision.ts'
import type { PrincipalPolicies } from './policies.ts'

/** How many decisions are kept; then all are forgotten. Some 200 bytes each. */
const DECISIONS_MAX = 50_000
/** How many for one action on one resource, so that values that never come again push out no others. */
const VARIANTS_MAX = 1024
/** Characters of context values; decisions on longer ones are not kept. */
const CONTEXT_CHARS_MAX = 1024

/** How many actions have plans, for one pair of policies. AWS KMS has about sixty. */
const ACTIONS_MAX = 256

/** These change from one moment to the next: a decision on them is worth nothing later. */
const VOLATILE_KEYS: readonly string[] = [
  'aws:currenttime',
  'aws:epochtime',
  'aws:multifactorauthage',
]

/** The decisions about one resource, by the values of the plan's condition keys. */
interface ResourceDecisions {
  readonly account: AccountId
  readonly byValues: Map<string, Decision>
}

/** What the decisions of one caller's policies, one policy of a resource and one action depend on. */
interface Plan {
  /** Condition keys that any statement reads that speaks of the action; undefined where one is volatile. */
  readonly keys: readonly string[] | undefined
  /** Whether it is for the operation as one that other accounts may use. */
  readonly isCrossAccount: boolean
  /** By the facts of the principal, then by the ARN of the resource. */
  readonly decisions: Map<string, Map<string, ResourceDecisions>>
}

/** A field and its length, so that two lists of fields never read the same. */
const field = (text: string): string => `${text.length}:${text}`

/** Everything of a principal that decisions look at, besides its policies and condition keys. */
const factsOf = (principal: Principal): string =>
  [
    principal.type,
    principal.accountId,
    principal.arn,
    principal.principalArn,
    principal.uniqueId,
    principal.userId,
    principal.session?.federatedProvider ?? '',
    principal.isVisitor === true ? 'visitor' : '',
    ...(principal.serviceNames ?? []),
  ]
    .map(field)
    .join('')

function contextFields(keys: readonly string[], context: ConditionContext): string {
  let fields = ''
  for (const key of keys) {
    const value = context.get(key)
    if (value === undefined) fields += '-'
    else if (typeof value === 'string') fields += field(value)
    else fields += `[${value.length}:${value.map(field).join('')}`
  }
  return fields
}

/**
 * Decisions that were made before. One is found again by the very objects that hold the caller's policies
 * and the resource's policy, by the action, the resource, the facts of the principal, and the values of
 * exactly those condition keys that the statements about the action read. So nothing has to be told of a
 * change: other policies are other objects, and the old ones take their decisions along. Grants are
 * never in it.
 */
export class CachedDecisions {
  #plans = new WeakMap<PrincipalPolicies, WeakMap<CompiledPolicy, Map<string, Plan>>>()
  readonly #facts = new WeakMap<Principal, string>()
  #count = 0
  #hits = 0
  #misses = 0

  /** Since the start, and how many decisions are kept at most: those whose policies are gone are still counted. */
  stats(): { readonly hits: number; readonly misses: number; readonly entries: number } {
    return { hits: this.#hits, misses: this.#misses, entries: this.#count }
  }

  /** As `decideOnKey`. */
  onKey(request: AccessRequest, policies: PrincipalPolicies, access: KeyAccess): Decision {
    const plan = this.#planOf(request.action, policies, access)
    const known = this.#find(plan, request, access.isCrossAccount)
    if (typeof known === 'object') {
      this.#hits++
      return withGrants(known, request, policies, access)
    }
    this.#misses++
    const withoutGrants = access.grants.length === 0 ? access : { ...access, grants: [] }
    const decision = decideOnKey(request, policies, withoutGrants)
    if (known !== undefined) this.#keep(plan, request, { values: known, decision })
    return withGrants(decision, request, policies, access)
  }

  /** As `decideByIdentity`. */
  byIdentity(request: AccessRequest, policies: PrincipalPolicies): Decision {
    const plan = this.#planOf(request.action, policies, undefined)
    const known = this.#find(plan, request, false)
    if (typeof known === 'object') {
      this.#hits++
      return known
    }
    this.#misses++
    const decision = decideByIdentity(request, policies)
    if (known !== undefined) this.#keep(plan, request, { values: known, decision })
    return decision
  }

  /** A decision that is known, or the values under which to keep a new one, or nothing where it is not kept. */
  #find(
    plan: Plan,
    request: AccessRequest,
    isCrossAccount: boolean,
  ): Decision | string | undefined {
    if (plan.keys === undefined || plan.isCrossAccount !== isCrossAccount) return undefined
    const values = contextFields(plan.keys, request.context)
    if (values.length > CONTEXT_CHARS_MAX) return undefined
    const known = plan.decisions.get(this.#factsOf(request.principal))?.get(request.resourceArn)
    if (known === undefined) return values
    return known.account === request.resourceAccount
      ? (known.byValues.get(values) ?? values)
      : undefined
  }

  #keep(plan: Plan, request: AccessRequest, made: { values: string; decision: Decision }): void {
    if (this.#count >= DECISIONS_MAX) {
      this.#plans = new WeakMap()
      this.#count = 0
      return
    }
    const { resourceArn, resourceAccount: account } = request
    const facts = this.#factsOf(request.principal)
    let byResource = plan.decisions.get(facts)
    if (byResource === undefined) plan.decisions.set(facts, (byResource = new Map()))
    let known = byResource.get(resourceArn)
    if (known === undefined || known.byValues.size >= VARIANTS_MAX) {
      known = { account, byValues: new Map() }
      byResource.set(resourceArn, known)
    }
    known.byValues.set(made.values, made.decision)
    this.#count++
  }

  #factsOf(principal: Principal): string {
    let facts = this.#facts.get(principal)
    if (facts === undefined) {
      facts = factsOf(principal)
      this.#facts.set(principal, facts)
    }
    return facts
  }

  #planOf(
    action: string,
    policies: PrincipalPolicies,
    access: Pick<KeyAccess, 'policy' | 'isCrossAccount'> | undefined,
  ): Plan {
    let byPolicy = this.#plans.get(policies)
    if (byPolicy === undefined) this.#plans.set(policies, (byPolicy = new WeakMap()))
    const compiled = access?.policy.policy ?? EMPTY_POLICY
    let byAction = byPolicy.get(compiled)
    if (byAction === undefined) byPolicy.set(compiled, (byAction = new Map()))
    let plan = byAction.get(action)
    if (plan === undefined) {
      plan = {
        keys: keysFor(action, [...compiledPolicies(policies), compiled]),
        isCrossAccount: access?.isCrossAccount ?? false,
        decisions: new Map(),
      }
      // Simulations make up actions.
      if (byAction.size < ACTIONS_MAX) byAction.set(action, plan)
    }
    return plan
  }
}

const compiledPolicies = (policies: PrincipalPolicies): readonly CompiledPolicy[] =>
  [
    ...policies.identity,
    ...(policies.boundary ? [policies.boundary] : []),
    ...(policies.session ?? []),
    ...(policies.serviceControl ?? []),
  ].map(({ policy }) => policy)

/** No grant changes what a policy allows, or what an explicit denial forbids. */
function withGrants(
  decision: Decision,
  request: AccessRequest,
  policies: PrincipalPolicies,
  access: KeyAccess,
): Decision {
  return access.grants.length === 0 || decision.allowed || decision.denial.isExplicit
    ? decision
    : decideOnKey(request, policies, access)
}

/** The condition keys that the statements about an action read, or undefined where one is volatile. */
function keysFor(
  action: string,
  policies: readonly CompiledPolicy[],
): readonly string[] | undefined {
  const statements = policies.flatMap((policy) => policy.statementsFor(action.toLowerCase()))
  const keys = new Set(statements.flatMap((statement) => statement.keys))
  return VOLATILE_KEYS.some((key) => keys.has(key)) ? undefined : [...keys].sort()
}
