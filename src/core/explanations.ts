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

/** A statement that has a say, and the conditions under which it has it: all of them. */
export interface ConditionalStatement {
  readonly statement: StatementRef
  /** Empty where it always has. */
  readonly conditions: readonly Condition[]
}

/** One way by which a principal is allowed. */
export interface AllowedWay {
  /** As `AllowPath`. */
  readonly path: string
  readonly grant?:
    | {
        readonly grantId: string
        readonly name: string
        /** Whom it names. */
        readonly grantee: string
        readonly conditions: readonly Condition[]
      }
    | undefined
  /** Each layer that must allow, by one of these statements. */
  readonly requires: readonly (readonly ConditionalStatement[])[]
}

/** What a principal may do to a key, as far as it can be told before there is a request. */
export interface Reach {
  /**
   * `always` and `never` hold for every request; `conditional` depends on conditions, which may turn out to
   * contradict each other.
   */
  readonly outcome: 'always' | 'conditional' | 'never'
  /** None where the outcome is `never`. */
  readonly ways: readonly AllowedWay[]
  /** What denies some requests, or with no conditions all of them. */
  readonly denies: readonly ConditionalStatement[]
}
