import type { AccountId } from '../core/ids.ts'
import type { Decision, Permission } from './permission.ts'

/** The facts of a caller that a decision looks at. */
export interface Principal {
  readonly accountId: AccountId
  readonly arn: string
}

const FOREIGN_REASON =
  'because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access'

/** The text of a denial on another account's resource: the same whether it exists or not. */
export function foreignDenial(
  principal: Principal,
  action: string,
  namedBy: 'arn' | 'ciphertext',
): string {
  const place =
    namedBy === 'ciphertext'
      ? 'on the resource associated with this ciphertext'
      : 'on this resource'
  return `User: ${principal.arn} is not authorized to perform: ${action} ${place} ${FOREIGN_REASON}`
}

/** Decides by who is named. A caller who owns the resource is told so much; any other must not learn of it. */
function decideByGrant(
  principal: Principal,
  { action, resource, namedBy }: Permission,
  accounts: readonly AccountId[],
): Decision {
  if (accounts.includes(principal.accountId)) {
    return { allowed: true, reason: 'the principal is the root of an account that the grant names' }
  }
  const reason = 'the grant does not name the account of the principal'
  const message =
    resource?.accountId === principal.accountId
      ? `User: ${principal.arn} is not authorized to perform: ${action} on resource: ${resource.arn} because no resource-based policy allows the ${action} action`
      : foreignDenial(principal, action, namedBy ?? 'arn')
  return { allowed: false, reason, message }
}

/**
 * Decides by ownership: an account's root principal may do everything with what its account owns and
 * nothing with what another account owns. Policies and grants are stored, not yet evaluated.
 */
export function authorize(principal: Principal, permission: Permission): Decision {
  const { action, resource, namedBy, decidedFor } = permission
  if (decidedFor !== undefined) return decideByGrant(principal, permission, decidedFor)
  if (resource !== undefined && resource.accountId !== principal.accountId) {
    const message = foreignDenial(principal, action, namedBy ?? 'arn')
    return { allowed: false, reason: 'the resource belongs to another account', message }
  }
  return {
    allowed: true,
    reason: 'the principal is the root of the account that owns the resource',
  }
}
