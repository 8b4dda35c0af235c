import type { Grant } from '../core/tables.ts'

/** Which kind of rule had a say in a decision. */
export type PolicyLayer =
  | 'service-control-policy'
  | 'resource-policy'
  | 'identity-policy'
  | 'permissions-boundary'
  | 'session-policy'
  | 'trust-policy'

/** One statement that decided. */
export interface Ground {
  readonly layer: PolicyLayer
  /** ARN of a managed policy, `user/alice inline backup` for an inline one, `key policy`. */
  readonly policy: string
  /** Position in its policy, from 0. */
  readonly statement: number
  readonly sid: string | undefined
  readonly effect: 'Allow' | 'Deny'
}

/** By which way a principal is allowed. */
export type AllowPath =
  /** The resource's policy names the principal itself. */
  | 'resource-policy'
  /** Identity policies, where need be with a resource policy that lets the account decide. */
  | 'identity-policy'
  /** The account's root, whom no identity policy is needed for. */
  | 'root'
  | 'grant'
  /** The trust policy of a role. */
  | 'trust-policy'

export interface Allowed {
  readonly allowed: true
  readonly path: AllowPath
  readonly grounds: readonly Ground[]
  /** Where the path is `grant`: the grants that apply. */
  readonly grants?: readonly Grant[]
}

/** What the text of a denial is made of. */
export interface Denial {
  /** The layer that is named: the one that denies explicitly, or the first that does not allow. */
  readonly layer: PolicyLayer
  readonly isExplicit: boolean
}

export interface Denied {
  readonly allowed: false
  readonly denial: Denial
  /** The denying statement of an explicit denial. */
  readonly grounds: readonly Ground[]
}

/** The outcome of a decision, with what decided it. The same object where it comes from a cache. */
export type Decision = Allowed | Denied
