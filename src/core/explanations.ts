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

/** What kind of principal an access is told of. */
export type SubjectKind =
  | 'root'
  | 'user'
  | 'role'
  | 'role-session'
  | 'federated-user'
  | 'service'
  /** An account whose identities are not looked into: its root, and whomever its own policies let. */
  | 'account'
  /** Every account whose identities are not looked into. */
  | 'anyone'

/** What one principal may do to a key. */
export interface Access extends Reach {
  /** An ARN, the name of a service, an account id, or `*`. */
  readonly principal: string
  readonly kind: SubjectKind
  /** Absent for services and for everybody. */
  readonly accountId?: string | undefined
  /** Whether policies of another account have a say that are not looked into: they must allow, too. */
  readonly dependsOnAccount?: true
}

export interface WhoCanRequest {
  /** `kms:Decrypt`, or `Decrypt`. */
  readonly action: string
  /** Id, ARN or alias. */
  readonly key: string
  /** For an id or an alias that is not told otherwise. */
  readonly accountId?: string | undefined
  readonly region?: string | undefined
  /** How many accesses at most; 1,000 by default. */
  readonly limit?: number | undefined
  /** `WhoCan.next` of the page before. */
  readonly after?: string | undefined
}

/** Who may do something to a key, and by which ways. */
export interface WhoCan {
  readonly action: string
  readonly keyArn: string
  /** Without those who never may. */
  readonly accesses: readonly Access[]
  /** How many principals were looked at. */
  readonly examined: number
  /** Where the next page begins; absent on the last one. */
  readonly next?: string | undefined
}

/** One decision, and what decided it. */
export interface ExplainedDecision {
  readonly action: string
  readonly resource: string
  readonly allowed: boolean
  /** Where it was allowed: as `AllowPath`. */
  readonly path?: string | undefined
  /** Where it was denied: the layer that denied, or the first that did not allow. */
  readonly denial?: { readonly layer: string; readonly isExplicit: boolean } | undefined
  /** Of an implicit denial: every layer that did not allow. */
  readonly missing?: readonly string[] | undefined
  readonly statements: readonly StatementRef[]
  readonly grants: readonly { readonly grantId: string; readonly name: string }[]
  readonly nearMisses: readonly NearMiss[]
  /** Whether policies or grants of another account had a say that the asker is not told. */
  readonly isPartlyHidden?: true
}

/** Policies as they could be. */
export interface PolicyChange {
  /** JSON text. */
  readonly keyPolicy?: string | undefined
  /** Of the account: JSON text. */
  readonly serviceControl?: string | undefined
  /** Whose inline policy `policy` is, by name. */
  readonly user?: string | undefined
  readonly role?: string | undefined
  /** Which inline policy it replaces; one beside those that there are by default. */
  readonly policyName?: string | undefined
  /** Or the managed policy of which it is the new default version. */
  readonly managedPolicyArn?: string | undefined
  /** JSON text. */
  readonly policy?: string | undefined
}

/** A request as it could be made. */
export interface Question {
  /** An ARN, a unique id, an account id, or the name of a service. */
  readonly principal: string
  readonly action: string
  /** Condition keys that the request has. */
  readonly context?: Readonly<Record<string, string | readonly string[]>> | undefined
  readonly encryptionContext?: Readonly<Record<string, string>> | undefined
}

export interface SimulateRequest {
  /** Id, ARN or alias; all keys of the account where absent. */
  readonly key?: string | undefined
  readonly accountId?: string | undefined
  readonly region?: string | undefined
  /** Everything that can be done to a key of the kind where absent. */
  readonly actions?: readonly string[] | undefined
  readonly change?: PolicyChange | undefined
  /** Decided under the change, instead of comparing. */
  readonly question?: Question | undefined
}

/** What a change does to one principal. */
export interface AccessChange {
  readonly keyArn: string
  readonly principal: string
  readonly kind: SubjectKind
  readonly action: string
  readonly effect: 'gains' | 'loses' | 'changes'
  readonly before: Reach
  readonly after: Reach
}

/** What a change of policies would change. */
export interface Simulation {
  /** What keeps the policy from being saved; empty where nothing does. */
  readonly problems: readonly string[]
  /** What should be thought about before it is saved. */
  readonly warnings: readonly string[]
  readonly changes: readonly AccessChange[]
  /** How many principals were looked at, on all keys. */
  readonly examined: number
  readonly keyArns: readonly string[]
  /** Whether there was more than is told. */
  readonly isPartial: boolean
  readonly decision?: ExplainedDecision | undefined
}

/** A call, and why it was or was not allowed. */
export interface Explanation {
  readonly requestId: string
  /** ISO 8601. */
  readonly time: string
  /** `kms.amazonaws.com` */
  readonly service: string
  readonly operation: string
  readonly region: string
  readonly caller: {
    readonly accountId: string
    readonly principalId: string
    /** Absent for askers of other accounts, as is the access key. */
    readonly arn?: string | undefined
    readonly accessKeyId?: string | undefined
  }
  readonly sourceAddress: string
  readonly userAgent: string
  /** Absent where the call succeeded. */
  readonly error?: { readonly code: string; readonly message?: string | undefined } | undefined
  /** In the order in which they were made: the first denial ended the call. */
  readonly decisions: readonly ExplainedDecision[]
  /** What there is to say where nothing was decided. */
  readonly note?: string | undefined
}
