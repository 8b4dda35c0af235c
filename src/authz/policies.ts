import type { CompiledPolicy } from './compiled-policy.ts'
import type { PolicyLayer } from './decision.ts'

/** A policy, and what an explanation calls it. */
export interface NamedPolicy {
  readonly layer: PolicyLayer
  /** As in `Ground.policy`. */
  readonly name: string
  readonly policy: CompiledPolicy
}

/**
 * Every policy that comes with a principal. Decisions are cached by the identity of this object: make a
 * new one when anything in it changes, and share one as long as nothing does.
 */
export interface PrincipalPolicies {
  readonly identity: readonly NamedPolicy[]
  readonly boundary?: NamedPolicy | undefined
  /** Absent where none was passed; what none of them allows is denied. */
  readonly session?: readonly NamedPolicy[] | undefined
  /** Absent where the account has none; what none of them allows is denied. */
  readonly serviceControl?: readonly NamedPolicy[] | undefined
}

/** Of a principal that has no policies: a root, a service. */
export const NO_POLICIES: PrincipalPolicies = { identity: [] }
