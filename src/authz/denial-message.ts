import type { Principal } from '../core/principal.ts'
import type { AccessRequest } from './access-request.ts'
import type { Denial, PolicyLayer } from './decision.ts'

/** What a layer is called where it does not allow, and where it denies. Source: IAM User Guide, Troubleshoot access denied error messages. */
const LAYER_NAMES: Readonly<
  Record<PolicyLayer, { readonly lacks: string; readonly denies: string }>
> = {
  'service-control-policy': {
    lacks: 'service control policy',
    denies: 'a service control policy',
  },
  'resource-policy': { lacks: 'resource-based policy', denies: 'a resource-based policy' },
  'identity-policy': { lacks: 'identity-based policy', denies: 'an identity-based policy' },
  'permissions-boundary': { lacks: 'permissions boundary', denies: 'a permissions boundary' },
  'session-policy': { lacks: 'session policy', denies: 'a sessions policy' },
  'trust-policy': { lacks: 'role trust policy', denies: 'the role trust policy' },
}

const FOREIGN_KEY_REASON =
  'because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access'

/** Who calls these has no credentials, so there is nobody to name. */
const WITHOUT_CREDENTIALS: ReadonlySet<string> = new Set([
  'sts:AssumeRoleWithWebIdentity',
  'sts:AssumeRoleWithSAML',
])

const reasonOf = ({ layer, isExplicit }: Denial, action: string): string => {
  const { lacks, denies } = LAYER_NAMES[layer]
  // AWS says so of service control policies also where they merely do not allow.
  if (isExplicit || layer === 'service-control-policy') return `with an explicit deny in ${denies}`
  return `because no ${lacks} allows the ${action} action`
}

/** The text of a denial on a key of another account, or on one that is nowhere. */
function foreignKeyDenial(
  principal: Principal,
  action: string,
  namedBy: 'arn' | 'ciphertext',
): string {
  const place =
    namedBy === 'ciphertext'
      ? 'on the resource associated with this ciphertext'
      : 'on this resource'
  return `User: ${principal.arn} is not authorized to perform: ${action} ${place} ${FOREIGN_KEY_REASON}`
}

/**
 * The text of a denial, in AWS's words. About a resource of another account it is the same whether the
 * resource exists or not, and whoever denied.
 * @param namedBy how the caller named the resource: by its ARN, or by a ciphertext that it made
 * @param shownAs what stands for the resource where its service does not call it by its ARN
 */
export function denialMessage(
  request: AccessRequest,
  denial: Denial,
  namedBy: 'arn' | 'ciphertext',
  shownAs = request.resourceArn,
): string {
  const { action, principal, resourceAccount } = request
  if (WITHOUT_CREDENTIALS.has(action)) return `Not authorized to perform ${action}`
  const who = `User: ${principal.arn} is not authorized to perform: ${action}`
  const isForeign = principal.accountId !== resourceAccount
  if (isForeign && !action.startsWith('kms:')) return `${who} on resource: ${shownAs}`
  // What the caller's own account refuses it may hear: that says nothing of the other account.
  if (isForeign && denial.layer === 'resource-policy') {
    return foreignKeyDenial(principal, action, namedBy)
  }
  if (namedBy === 'ciphertext') {
    return `${who} on the resource associated with this ciphertext ${reasonOf(denial, action)}`
  }
  return `${who} on resource: ${shownAs} ${reasonOf(denial, action)}`
}
