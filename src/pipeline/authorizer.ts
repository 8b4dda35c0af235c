import type { AccessRequest, ConditionValue } from '../authz/access-request.ts'
import {
  decideByIdentity,
  decideOnKey,
  decideOnTrust,
  decideRetirement,
  type KeyAccess,
} from '../authz/decide.ts'
import type { Decision, PolicyLayer } from '../authz/decision.ts'
import { CachedDecisions } from '../authz/decision-cache.ts'
import { missingLayers } from '../authz/missing-layers.ts'
import { nearMisses } from '../authz/near-misses.ts'
import type { KeyGuard, Permission } from '../authz/permission.ts'
import type { NamedPolicy, PrincipalPolicies } from '../authz/policies.ts'
import { unreachable } from '../core/assert.ts'
import type { NearMiss } from '../core/explanations.ts'
import type { Records } from '../core/records.ts'
import { andThen, type Soon } from '../core/soon.ts'
import type { PrincipalPolicySource } from '../identity/principal-policies.ts'
import type { Call } from './call.ts'
import { CallContext } from './condition-context.ts'

/** A decision together with the request that it was made on, which its denial is told from. */
export interface Ruling {
  readonly request: AccessRequest
  readonly decision: Decision
  /** Of an implicit denial: every layer that did not allow. */
  readonly missing?: readonly PolicyLayer[]
  /** Of an implicit denial: what would have allowed but for a condition. */
  readonly nearMisses?: readonly NearMiss[]
}

/** What is to be decided, once the policies of the principal are at hand. */
interface Matter {
  readonly call: Call
  readonly permission: Permission
  readonly policies: PrincipalPolicies
}

/**
 * Decides what callers may do: gathers the policies that have a say and the condition keys that they
 * read, and asks the evaluator. Nothing is waited for where everything is at hand.
 */
export class Authorizer {
  readonly #source: PrincipalPolicySource
  readonly #cached = new CachedDecisions()
  /** Which slow keys the policies of a principal read. */
  readonly #reads = new WeakMap<PrincipalPolicies, ReadonlySet<string>>()

  constructor(source: PrincipalPolicySource) {
    this.#source = source
  }

  /** Of the decisions that are kept. */
  stats(): ReturnType<CachedDecisions['stats']> {
    return this.#cached.stats()
  }

  /** `records` is the view that the call works on: the transaction itself where it changes something. */
  decide(call: Call, permission: Permission, records: Records): Soon<Ruling> {
    return andThen(this.#source.policiesOf(call.caller.principal, records), (policies) =>
      this.#weigh({ call, permission, policies }),
    )
  }

  #weigh(matter: Matter): Soon<Ruling> {
    const guard = matter.permission.resource?.guard
    if (guard?.kind !== 'key') {
      return andThen(this.#request(matter, undefined), (request) =>
        explained(request, matter, decideWithoutKey(request, matter)),
      )
    }
    return andThen(guard.policy(), (policy) =>
      andThen(this.#request(matter, policy), (request) =>
        this.#weighKey(request, matter, { guard, policy }),
      ),
    )
  }

  #weighKey(
    request: AccessRequest,
    matter: Matter,
    { guard, policy }: { guard: KeyGuard; policy: NamedPolicy },
  ): Soon<Ruling> {
    const { policies } = matter
    const { operation, isCrossAccount, encryptionContext, acceptsGrant } = guard
    const access = {
      policy,
      operation,
      isCrossAccount,
      encryptionContext,
      acceptsGrant,
      grants: [],
    }
    const decision = this.#cached.onKey(request, policies, access)
    // Grants only add, and what is denied explicitly they cannot give.
    if (decision.allowed || decision.denial.isExplicit) return { request, decision }
    return guard.grantsFor(request.principal).then((grants) => {
      const whole = { ...access, grants }
      const final = grants.length === 0 ? decision : decideOnKey(request, policies, whole)
      return explained(request, matter, final, whole)
    })
  }

  /** The request, with the values of slow keys where a policy reads them. */
  #request(matter: Matter, policy: NamedPolicy | undefined): Soon<AccessRequest> {
    const { slowKeys } = matter.permission
    if (slowKeys === undefined) return requestOf(matter, undefined)
    const read = this.#keysRead(matter.policies)
    const wanted = slowKeys.names.filter(
      (key) => read.has(key) || policy?.policy.contextKeys.has(key) === true,
    )
    if (wanted.length === 0) return requestOf(matter, undefined)
    const values = Promise.all(wanted.map(async (key) => [key, await slowKeys.load(key)] as const))
    return values.then((known) => requestOf(matter, new Map(known)))
  }

  #keysRead(policies: PrincipalPolicies): ReadonlySet<string> {
    let read = this.#reads.get(policies)
    if (read === undefined) {
      read = new Set([...allPolicies(policies)].flatMap(({ policy }) => [...policy.contextKeys]))
      this.#reads.set(policies, read)
    }
    return read
  }
}

/** Every policy of a principal, whatever its part. */
function* allPolicies(policies: PrincipalPolicies): Iterable<NamedPolicy> {
  yield* policies.identity
  if (policies.boundary !== undefined) yield policies.boundary
  yield* policies.session ?? []
  yield* policies.serviceControl ?? []
}

/** The ruling, with what came near to allowing where nothing did. Only then is it looked for. */
function explained(
  request: AccessRequest,
  { policies, permission }: Matter,
  decision: Decision,
  access?: KeyAccess,
): Ruling {
  if (decision.allowed || decision.denial.isExplicit) return { request, decision }
  const guard = permission.resource?.guard
  const found = nearMisses(request, policies, {
    ...(access && { access }),
    ...(guard?.kind === 'trust' && { trust: guard.policy }),
  })
  const resource = guard?.kind === 'trust' ? guard.policy : access?.policy
  const missing = missingLayers(request, policies, resource)
  return { request, decision, missing, ...(found.length > 0 && { nearMisses: found }) }
}

function requestOf(
  { call, permission }: Matter,
  slow: ReadonlyMap<string, ConditionValue | undefined> | undefined,
): AccessRequest {
  const { action, resource } = permission
  return {
    action,
    principal: call.caller.principal,
    resourceArn: resource?.arn ?? '*',
    resourceAccount: resource?.accountId ?? call.accountId,
    context: new CallContext(call, permission, slow),
  }
}

function decideWithoutKey(request: AccessRequest, { permission, policies }: Matter): Decision {
  const guard = permission.resource?.guard
  switch (guard?.kind) {
    case 'trust':
      return decideOnTrust(request, policies, guard.policy)
    case 'retirement':
      return decideRetirement(request, policies, guard.grant)
    case 'key':
    case undefined:
      return decideByIdentity(request, policies)
    default:
      return unreachable(guard)
  }
}
