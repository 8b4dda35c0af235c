import type { Grant } from '../core/tables.ts'
import type { AccessRequest } from './access-request.ts'
import type { Decision, Denied, Ground } from './decision.ts'
import type { GrantUse } from './grant-match.ts'
import { constraintsHold, granteeOf, isOpenTo, namingOf, retiringOf } from './grant-match.ts'
import type { NamedPolicy, PrincipalPolicies } from './policies.ts'
import type { PrincipalSide } from './principal-side.ts'
import {
  allowedBy,
  capGrounds,
  judgePrincipal,
  missingCap,
  missingLayer,
  notAllowed,
  overruling,
} from './principal-side.ts'
import type { ResourceVerdict } from './verdict.ts'
import { judgeResource, questionOf } from './verdict.ts'

/** What a decision about a KMS key looks at, besides the principal's policies. */
export interface KeyAccess extends GrantUse {
  readonly policy: NamedPolicy
  /** As grants list it: `Decrypt`. */
  readonly operation: string
  /** Whether principals of other accounts may do this to a key at all. */
  readonly isCrossAccount: boolean
  /** Those of the key that are neither retired nor revoked; the ones for others are passed over. */
  readonly grants: readonly Grant[]
  /** Undefined where the operation carries none; an operation that can and does not carries `{}`. */
  readonly encryptionContext?: Readonly<Record<string, string>> | undefined
  /** A further condition on a grant: a child grant, say, must not give more than its parent. */
  readonly acceptsGrant?: ((grant: Grant) => boolean) | undefined
}

const isForeign = ({ principal, resourceAccount }: AccessRequest): boolean =>
  principal.accountId !== resourceAccount

/** Allowed by the principal's own policies, or the first of their layers that does not allow. */
function decideByPrincipal(side: PrincipalSide, opening?: ResourceVerdict['account']): Decision {
  const missing = missingLayer(side)
  if (missing !== undefined) return notAllowed(missing)
  const path = side.isRoot ? 'root' : 'identity-policy'
  return allowedBy(path, [opening, side.identity.allow, ...capGrounds(side)])
}

/**
 * Decides about what has no policy of its own: actions on `*`, aliases, identities.
 * Source: IAM User Guide, Policy evaluation logic.
 */
export function decideByIdentity(request: AccessRequest, policies: PrincipalPolicies): Decision {
  const side = judgePrincipal(questionOf(request), policies)
  const decision = overruling(side, undefined) ?? decideByPrincipal(side)
  // What has no policy of its own lets no other account in.
  return decision.allowed && isForeign(request) ? notAllowed('resource-policy') : decision
}

/** In the account of the resource, whose policy alone allows whom it names. */
function decideWithin(side: PrincipalSide, resource: ResourceVerdict, closed: Denied): Decision {
  const { direct, role, account } = resource
  if (direct !== undefined) {
    return allowedBy('resource-policy', [direct, side.serviceControl?.allow])
  }
  if (role === undefined) return account === undefined ? closed : decideByPrincipal(side, account)
  // What caps the role would stop the account's way, too.
  const missing = missingCap(side)
  if (missing !== undefined) return notAllowed(missing)
  return allowedBy('resource-policy', [role, ...capGrounds(side)])
}

/** Across accounts both sides must allow. The caller's own is asked first, so that its refusal tells nothing of the other. */
function decideAcross(side: PrincipalSide, resource: ResourceVerdict, closed: Denied): Decision {
  const opening = resource.direct ?? resource.role ?? resource.account
  const own = decideByPrincipal(side, opening)
  return own.allowed && opening === undefined ? closed : own
}

function decideByKeyPolicy(
  request: AccessRequest,
  side: PrincipalSide,
  resource: ResourceVerdict,
  isCrossAccount: boolean,
): Decision {
  const closed = notAllowed('resource-policy')
  if (request.principal.type === 'Service') {
    return resource.direct ? allowedBy('resource-policy', [resource.direct]) : closed
  }
  if (!isForeign(request)) return decideWithin(side, resource, closed)
  // What is not for other accounts at all nobody lets them: the caller's own side is asked all the same.
  return decideAcross(side, isCrossAccount ? resource : {}, closed)
}

/**
 * As `overruling`. In another account what the caller's own side refuses is told first: a caller whom it
 * refuses must be told the same whatever the key's policy says, and whether there is a key at all.
 */
function overrulingOnKey(
  request: AccessRequest,
  side: PrincipalSide,
  resourceDeny: Ground | undefined,
): Denied | undefined {
  if (resourceDeny === undefined || !isForeign(request)) return overruling(side, resourceDeny)
  const own = overruling(side, undefined) ?? decideByPrincipal(side)
  return own.allowed ? overruling(side, resourceDeny) : own
}

/** The grants that allow an operation. */
function grantsThatApply(
  request: AccessRequest,
  side: PrincipalSide,
  access: KeyAccess,
): readonly Grant[] {
  return access.grants.filter((grant) => {
    if (!grant.operations.includes(access.operation)) return false
    const naming = namingOf(granteeOf(grant), request.principal)
    return (
      naming !== undefined &&
      isOpenTo(naming, side) &&
      constraintsHold(grant, access, request) &&
      (access.acceptsGrant?.(grant) ?? true)
    )
  })
}

/**
 * Decides about a KMS key: by its policy, by identity policies as far as its policy lets them, and by
 * grants. Policies come first: what they allow no grant has to.
 * Source: AWS KMS Developer Guide, Default key policy; Determining access to AWS KMS keys.
 */
export function decideOnKey(
  request: AccessRequest,
  policies: PrincipalPolicies,
  access: KeyAccess,
): Decision {
  const question = questionOf(request)
  const side = judgePrincipal(question, policies)
  const resource = judgeResource(access.policy, question)
  const overruled = overrulingOnKey(request, side, resource.deny)
  if (overruled !== undefined) return overruled
  const decision = decideByKeyPolicy(request, side, resource, access.isCrossAccount)
  if (decision.allowed || access.grants.length === 0) return decision
  const grants = grantsThatApply(request, side, access)
  if (grants.length === 0) return decision
  return { allowed: true, path: 'grant', grounds: capGrounds(side), grants }
}

/**
 * Decides about becoming a role: by its trust policy, and by the identity policies of a caller that the
 * trust policy names only by account, or that belongs to another one.
 * Source: IAM User Guide, Policy evaluation for requests within a single account, Cross-account policy
 * evaluation logic.
 */
export function decideOnTrust(
  request: AccessRequest,
  policies: PrincipalPolicies,
  trust: NamedPolicy,
): Decision {
  const question = questionOf(request)
  const side = judgePrincipal(question, policies)
  const resource = judgeResource(trust, { ...question, resource: undefined })
  const overruled = overruling(side, resource.deny)
  if (overruled !== undefined) return overruled
  const closed = notAllowed('trust-policy')
  const decision =
    request.principal.type !== 'Service' && isForeign(request)
      ? decideAcross(side, resource, closed)
      : decideWithin(side, resource, closed)
  if (!decision.allowed || decision.path !== 'resource-policy') return decision
  return { ...decision, path: 'trust-policy' }
}

/**
 * Decides about retiring a grant, which the retiring principal may, the grantee if the grant lists
 * RetireGrant, and the account that made it. An account lets its principals retire through identity
 * policies, which give nothing on their own; a Deny in them counts.
 * Source: AWS KMS Developer Guide, Retiring and revoking grants.
 */
export function decideRetirement(
  request: AccessRequest,
  policies: PrincipalPolicies,
  grant: Grant,
): Decision {
  const { principal } = request
  const side = judgePrincipal(questionOf(request), policies)
  const overruled = overruling(side, undefined)
  if (overruled !== undefined) return overruled
  const namings = [
    namingOf(retiringOf(grant), principal),
    grant.operations.includes('RetireGrant') ? namingOf(granteeOf(grant), principal) : undefined,
    principal.type !== 'Service' && grant.issuingAccount === principal.accountId
      ? ('account' as const)
      : undefined,
  ].filter((naming) => naming !== undefined)
  const naming = namings.find((each) => isOpenTo(each, side))
  if (naming === undefined) {
    const missing = namings.includes('account') ? missingLayer(side) : undefined
    return notAllowed(missing ?? 'resource-policy')
  }
  const decision = decideByPrincipal(side)
  return naming === 'account' && decision.allowed
    ? { ...decision, grants: [grant] }
    : { allowed: true, path: 'grant', grounds: capGrounds(side), grants: [grant] }
}
