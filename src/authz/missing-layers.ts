import type { AccessRequest } from './access-request.ts'
import type { PolicyLayer } from './decision.ts'
import type { NamedPolicy, PrincipalPolicies } from './policies.ts'
import { judgePrincipal } from './principal-side.ts'
import type { Verdict } from './verdict.ts'
import { judgeResource, questionOf } from './verdict.ts'

const lacks = (verdict: Verdict | undefined): boolean =>
  verdict !== undefined && verdict.allow === undefined

/**
 * Every layer that does not allow what was denied implicitly: the denial itself names the first alone. What
 * the policy of the resource gives the principal itself, within the account, no identity policy has to.
 * @param resource the policy of the key or the role; absent for what has none
 */
export function missingLayers(
  request: AccessRequest,
  policies: PrincipalPolicies,
  resource: NamedPolicy | undefined,
): readonly PolicyLayer[] {
  const isTrust = resource?.layer === 'trust-policy'
  const question = { ...questionOf(request), asksResources: !isTrust }
  const side = judgePrincipal(questionOf(request), policies)
  const opening = resource && judgeResource(resource, question)
  const isForeign = request.principal.accountId !== request.resourceAccount
  const isClosed =
    opening !== undefined && (opening.direct ?? opening.role ?? opening.account) === undefined
  const isNamed = (opening?.direct ?? opening?.role) !== undefined
  const needsOwn =
    request.principal.type !== 'Service' &&
    !side.isRoot &&
    (opening === undefined || isForeign || (!isClosed && !isNamed))
  const missing: (PolicyLayer | false | undefined)[] = [
    lacks(side.serviceControl) && 'service-control-policy',
    isClosed && resource?.layer,
    needsOwn && lacks(side.identity) && 'identity-policy',
    lacks(side.boundary) && 'permissions-boundary',
    lacks(side.session) && 'session-policy',
  ]
  return missing.filter((layer) => layer !== undefined && layer !== false)
}
