import { rootArn } from './arn.ts'
import type { AccountId, Instant } from './ids.ts'
import type { Partition } from './regions.ts'

/** What `aws:PrincipalType` says; a service is told by `aws:PrincipalIsAWSService` instead. */
export type PrincipalType = 'Account' | 'User' | 'AssumedRole' | 'FederatedUser' | 'Service'

/** What temporary credentials carry. Everything here was fixed when they were issued. */
export interface SessionFacts {
  readonly issuedAt: Instant
  readonly expiresAt: Instant
  /** When a second factor was shown; absent without one. */
  readonly mfaAt?: Instant | undefined
  /** FederatedUser: the unique id of the user who asked for the session; the account id where its root did. */
  readonly issuerId?: string | undefined
  /** Of a role or federated session; that of a user has none. */
  readonly name?: string | undefined
  /** The tags of the session; they win over those of the role. */
  readonly tags: Readonly<Record<string, string>>
  /** Keys of session tags that stay when the session assumes another role. */
  readonly transitiveTagKeys: readonly string[]
  readonly sourceIdentity?: string | undefined
  /** `aws:FederatedProvider`: the ARN of the identity provider, or the URL where it has none. */
  readonly federatedProvider?: string | undefined
  /** Condition keys of the identity provider, by lower-case key: `token.example.com:sub`. */
  readonly federatedKeys?: Readonly<Record<string, string | readonly string[]>> | undefined
  /** JSON text of the policy that was passed inline when the session was made. */
  readonly policy?: string | undefined
  /** Managed policies that were passed when the session was made. */
  readonly policyArns: readonly string[]
}

/** Who acts, as policies see it. */
export interface Principal {
  readonly type: PrincipalType
  /** Of a service principal: the account on whose behalf it acts. */
  readonly accountId: AccountId
  readonly partition: Partition
  /** As denials and GetCallerIdentity name it: the session's ARN for a session of a role. */
  readonly arn: string
  /** `aws:PrincipalArn`: the role's ARN for a session of a role. */
  readonly principalArn: string
  /** AIDA… of a user, AROA… of a role; the account id of its root and of federated users. */
  readonly uniqueId: string
  /** `aws:userid`: AROA…:session for a session of a role. */
  readonly userId: string
  /** `aws:username`: users only. */
  readonly userName?: string | undefined
  /** `aws:PrincipalTag/…`: those of the user or role, and of the session, which win. */
  readonly tags: Readonly<Record<string, string>>
  /**
   * Has no identity here, and asks to be let in by what an identity provider says of it: of the condition keys
   * of a principal it has those of the provider alone.
   */
  readonly isVisitor?: boolean | undefined
  /** Present for temporary credentials alone, and for a visitor. */
  readonly session?: SessionFacts | undefined
  /** A part of a service's infrastructure: grants alone let it do anything. */
  readonly isInfrastructure?: boolean
  /** Names of a service principal: `logs.eu-central-1.amazonaws.com`, `logs.amazonaws.com`. */
  readonly serviceNames?: readonly string[] | undefined
}

/** The root of an account. */
export function rootPrincipal(partition: Partition, accountId: AccountId): Principal {
  const arn = rootArn(partition, accountId)
  return {
    type: 'Account',
    accountId,
    partition,
    arn,
    principalArn: arn,
    uniqueId: accountId,
    userId: accountId,
    tags: {},
  }
}
