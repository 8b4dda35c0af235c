import type { Decision, Denied, Ground, PolicyLayer } from './decision.ts'
import type { NamedPolicy, PrincipalPolicies } from './policies.ts'
import type { Question, Verdict } from './verdict.ts'
import { judge } from './verdict.ts'

/** What all the policies say that come with the principal. */
export interface PrincipalSide {
  /** The account's root needs no identity policy. */
  readonly isRoot: boolean
  readonly serviceControl: Verdict | undefined
  readonly identity: Verdict
  readonly boundary: Verdict | undefined
  readonly session: Verdict | undefined
}

const judgeIfAny = (
  policies: readonly NamedPolicy[] | undefined,
  question: Question,
): Verdict | undefined => policies && judge(policies, question)

export const judgePrincipal = (question: Question, policies: PrincipalPolicies): PrincipalSide => ({
  isRoot: question.request.principal.type === 'Account',
  serviceControl: judgeIfAny(policies.serviceControl, question),
  identity: judge(policies.identity, question),
  boundary: policies.boundary && judge([policies.boundary], question),
  session: judgeIfAny(policies.session, question),
})

/** A denial because a layer does not allow. */
export const notAllowed = (layer: PolicyLayer): Denied => ({
  allowed: false,
  denial: { layer, isExplicit: false },
  grounds: [],
})

const explicitly = (ground: Ground): Denied => ({
  allowed: false,
  denial: { layer: ground.layer, isExplicit: true },
  grounds: [ground],
})

/**
 * What no allow can help against: a Deny in any layer, or a service control policy that does not allow.
 * Of several the first is named in the order that AWS's messages suggest.
 */
export function overruling(
  side: PrincipalSide,
  resourceDeny: Ground | undefined,
): Denied | undefined {
  const deny =
    side.serviceControl?.deny ??
    resourceDeny ??
    side.identity.deny ??
    side.boundary?.deny ??
    side.session?.deny
  if (deny !== undefined) return explicitly(deny)
  return lacks(side.serviceControl) ? notAllowed('service-control-policy') : undefined
}

const lacks = (verdict: Verdict | undefined): boolean =>
  verdict !== undefined && verdict.allow === undefined

/** The layer that caps what the role was allowed and does not allow this itself. */
export function missingCap(side: PrincipalSide): PolicyLayer | undefined {
  if (lacks(side.boundary)) return 'permissions-boundary'
  return lacks(side.session) ? 'session-policy' : undefined
}

/** The first layer of the principal's own that does not allow; undefined where its policies allow. */
export const missingLayer = (side: PrincipalSide): PolicyLayer | undefined =>
  !side.isRoot && side.identity.allow === undefined ? 'identity-policy' : missingCap(side)

const present = (grounds: readonly (Ground | undefined)[]): readonly Ground[] =>
  grounds.filter((ground) => ground !== undefined)

/** The statements of what caps a principal, in the order of layers. */
export const capGrounds = (side: PrincipalSide): readonly Ground[] =>
  present([side.serviceControl?.allow, side.boundary?.allow, side.session?.allow])

/** Allowed by statements of several layers. */
export const allowedBy = (
  path: Extract<Decision, { allowed: true }>['path'],
  grounds: readonly (Ground | undefined)[],
): Decision => ({ allowed: true, path, grounds: present(grounds) })
