import { unreachable } from '../core/assert.ts'
import type { Principal } from '../core/principal.ts'
import type { Grant } from '../core/tables.ts'
import type { AccessRequest } from './access-request.ts'
import type { PrincipalSide } from './principal-side.ts'
import { missingCap, missingLayer } from './principal-side.ts'

/** One of the two principals of a grant. */
export interface GrantPrincipal {
  readonly arn: string | undefined
  readonly id: string | undefined
  readonly service: string | undefined
}

export const granteeOf = (grant: Grant): GrantPrincipal => ({
  arn: grant.granteePrincipal,
  id: grant.granteeId,
  service: grant.granteeServicePrincipal,
})

export const retiringOf = (grant: Grant): GrantPrincipal => ({
  arn: grant.retiringPrincipal,
  id: grant.retiringId,
  service: grant.retiringServicePrincipal,
})

/** How a grant names a principal. */
export type Naming = 'itself' | 'role' | 'account'

const ROOT_ARN = /^arn:[a-z0-9-]+:iam::(\d{12}):root$/

/** How a grant names the caller; undefined where it does not. Where it knows an id, the ARN is not looked at. */
export function namingOf(named: GrantPrincipal, principal: Principal): Naming | undefined {
  const { arn, id, service } = named
  if (principal.type === 'Service') {
    const isNamed = service !== undefined && principal.serviceNames?.includes(service)
    return isNamed === true ? 'itself' : undefined
  }
  if (id !== undefined) {
    if (principal.type === 'AssumedRole') {
      if (id === principal.userId) return 'itself'
      return id === principal.uniqueId ? 'role' : undefined
    }
    return principal.type === 'User' && id === principal.uniqueId ? 'itself' : undefined
  }
  if (arn === undefined) return undefined
  const account = ROOT_ARN.exec(arn)?.[1]
  if (account !== undefined) return account === principal.accountId ? 'account' : undefined
  if (arn === principal.arn) return 'itself'
  return principal.type === 'AssumedRole' && arn === principal.principalArn ? 'role' : undefined
}

/**
 * Whether the principal's own policies let a grant work that names it so: what caps a role caps its
 * grants, and an account's principals need its identity policies. AWS does not say what boundaries and
 * session policies do to grants: we take them as they are for the policy of a resource.
 */
export function isOpenTo(naming: Naming, side: PrincipalSide): boolean {
  switch (naming) {
    case 'itself':
      return true
    case 'role':
      return missingCap(side) === undefined
    case 'account':
      return missingLayer(side) === undefined
    default:
      return unreachable(naming)
  }
}

/** Operations that carry an encryption context: to them no context is an empty one. */
export const CONTEXT_OPERATIONS: ReadonlySet<string> = new Set([
  'Encrypt',
  'Decrypt',
  'GenerateDataKey',
  'GenerateDataKeyWithoutPlaintext',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
  'ReEncryptFrom',
  'ReEncryptTo',
])

type Pairs = Readonly<Record<string, string>>

/** Keys without regard to case, values with it. Source: AWS KMS API Reference, GrantConstraints. */
function isSubset(pairs: Pairs, context: Pairs): boolean {
  const byLowerKey = new Map(
    Object.entries(context).map(([key, value]) => [key.toLowerCase(), value]),
  )
  return Object.entries(pairs).every(([key, value]) => byLowerKey.get(key.toLowerCase()) === value)
}

/** What of an operation the constraints of a grant look at. */
export interface GrantUse {
  readonly operation: string
  readonly encryptionContext?: Pairs | undefined
}

/** Whether the constraints of a grant hold. Those on the encryption context mean only operations that carry one. */
export function constraintsHold(grant: Grant, use: GrantUse, request: AccessRequest): boolean {
  const { encryptionContextEquals, encryptionContextSubset, sourceArn } = grant.constraints ?? {}
  if (sourceArn !== undefined && request.context.get('aws:sourcearn') !== sourceArn) return false
  const context = use.encryptionContext ?? (CONTEXT_OPERATIONS.has(use.operation) ? {} : undefined)
  if (context === undefined) return true
  if (encryptionContextSubset !== undefined && !isSubset(encryptionContextSubset, context)) {
    return false
  }
  return (
    encryptionContextEquals === undefined ||
    (isSubset(encryptionContextEquals, context) &&
      Object.keys(encryptionContextEquals).length === Object.keys(context).length)
  )
}
