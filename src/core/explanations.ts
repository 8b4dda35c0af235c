/**
 * What explanations of decisions are made of: plain values that go into audit frames, over the operator's
 * socket and over HTTP alike.
 */

/** One statement of a policy. */
export interface StatementRef {
  /** As `PolicyLayer`. */
  readonly layer: string
  /** ARN of a managed policy, `user/alice inline policy backup` for an inline one, `key policy`. */
  readonly policy: string
  /** Position in its policy, from 0. */
  readonly statement: number
  readonly sid?: string | undefined
  readonly effect: 'Allow' | 'Deny'
}

/** A condition, as the policy or the grant has it. */
export interface Condition {
  /** `StringEquals`; of grants `EncryptionContextEquals` and their like. */
  readonly operator: string
  /** `aws:SourceIp`; of grants what the operator is about. */
  readonly key: string
  readonly values: readonly string[]
}

/** A condition that did not hold. */
export interface UnmetCondition extends Condition {
  /** What the request had; absent where it had no such key. */
  readonly actual?: string | readonly string[] | undefined
}

/** Something that speaks of the principal, the action and the resource, and would have allowed but for this. */
export type NearMiss =
  | {
      readonly kind: 'statement'
      readonly statement: StatementRef
      readonly unmet: readonly UnmetCondition[]
    }
  | {
      readonly kind: 'grant'
      readonly grantId: string
      readonly name: string
      readonly unmet: readonly UnmetCondition[]
      /** The layer of the caller's own policies that does not let the grant work; as `PolicyLayer`. */
      readonly cappedBy?: string | undefined
    }
