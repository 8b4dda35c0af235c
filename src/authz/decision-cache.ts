import type { Principal } from '../core/principal.ts'
import type { AccessRequest, ConditionContext } from './access-request.ts'
import type { CompiledPolicy } from './compiled-policy.ts'
import type { KeyAccess } from './decide.ts'
import { decideByIdentity, decideOnKey } from './decide.ts'
import type { Decision } from './decision.ts'
import type { NamedPolicy, PrincipalPolicies } from './policies.ts'

/** How many decisions are kept; then all are forgotten. Some 200 bytes each. */
const DECISIONS_MAX = 50_000
/** How many for one action on one resource, so that values that never come again push out no others. */
const VARIANTS_MAX = 1024
/** Characters of context values; decisions on longer ones are not kept. */
const CONTEXT_CHARS_MAX = 1024

/** These change from one moment to the next: a decision on them is worth nothing later. */
const VOLATILE_KEYS: readonly string[] = [
  'aws:currenttime',
  'aws:epochtime',
  'aws:multifactorauthage',
]

/** What the decisions of one caller's policies, one policy of a resource and one action depend on. */
interface Plan {
  /** Condition keys that any statement reads that speaks of the action; undefined where one is volatile. */
  readonly keys: readonly string[] | undefined
  readonly decisions: Map<string, Map<string, Decision>>
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

const NO_RESOURCE_POLICY: CompiledPolicy = { contextKeys: new Set(), statementsFor: () => [] }

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

  /** As `decideOnKey`. */
  onKey(request: AccessRequest, policies: PrincipalPolicies, access: KeyAccess): Decision {
    const withoutGrants = access.grants.length === 0 ? access : { ...access, grants: [] }
    const decision = this.#find(
      request,
      { policies, resourcePolicy: access.policy, variant: access.isCrossAccount ? 'x' : '' },
      () => decideOnKey(request, policies, withoutGrants),
    )
    // No grant changes what a policy allows, or what an explicit denial forbids.
    if (decision.allowed || decision.denial.isExplicit || access.grants.length === 0)
      return decision
    return decideOnKey(request, policies, access)
  }

  /** As `decideByIdentity`. */
  byIdentity(request: AccessRequest, policies: PrincipalPolicies): Decision {
    return this.#find(request, { policies, resourcePolicy: undefined, variant: '' }, () =>
      decideByIdentity(request, policies),
    )
  }

  #find(
    request: AccessRequest,
    involved: {
      readonly policies: PrincipalPolicies
      readonly resourcePolicy: NamedPolicy | undefined
      readonly variant: string
    },
    decide: () => Decision,
  ): Decision {
    const { policies, resourcePolicy, variant } = involved
    const plan = this.#planOf(request.action, policies, resourcePolicy)
    if (plan.keys === undefined) return decide()
    const values = contextFields(plan.keys, request.context)
    if (values.length > CONTEXT_CHARS_MAX) return decide()
    const who = this.#factsOf(request.principal)
    const rest = `${variant}${request.resourceAccount}${field(request.resourceArn)}${values}`
    const known = plan.decisions.get(who)?.get(rest)
    if (known !== undefined) return known
    const decision = decide()
    this.#keep(plan, { who, rest }, decision)
    return decision
  }

  #keep(plan: Plan, { who, rest }: { who: string; rest: string }, decision: Decision): void {
    if (this.#count >= DECISIONS_MAX) {
      this.#plans = new WeakMap()
      this.#count = 0
      return
    }
    let known = plan.decisions.get(who)
    if (known === undefined || known.size >= VARIANTS_MAX) {
      known = new Map()
      plan.decisions.set(who, known)
    }
    known.set(rest, decision)
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
    resourcePolicy: NamedPolicy | undefined,
  ): Plan {
    let byPolicy = this.#plans.get(policies)
    if (byPolicy === undefined) this.#plans.set(policies, (byPolicy = new WeakMap()))
    const compiled = resourcePolicy?.policy ?? NO_RESOURCE_POLICY
    let byAction = byPolicy.get(compiled)
    if (byAction === undefined) byPolicy.set(compiled, (byAction = new Map()))
    let plan = byAction.get(action)
    if (plan === undefined) {
      const involved = [
        ...policies.identity,
        ...(policies.boundary ? [policies.boundary] : []),
        ...(policies.session ?? []),
        ...(policies.serviceControl ?? []),
      ].map(({ policy }) => policy)
      plan = { keys: keysFor(action, [...involved, compiled]), decisions: new Map() }
      byAction.set(action, plan)
    }
    return plan
  }
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
