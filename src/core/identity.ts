import type { AccountId, Instant } from './ids.ts'
import type { Partition } from './regions.ts'

/** Tags in the order in which they were given. Keys of IAM's tags are unique without regard to case. */
export type Tags = Readonly<Record<string, string>>

/** What a user, a group or a role has been allowed. */
export interface PolicyHolder {
  /** Policy name to JSON text. */
  readonly inlinePolicies: Readonly<Record<string, string>>
  /** ARNs of managed policies, in the order in which they were attached. */
  readonly attachedPolicyArns: readonly string[]
}

/**
 * A policy that names principals, as submitted, together with the unique ids of those that were found
 * when it was saved: ARN to AIDA… or AROA…, or AROA…:session for a session of a role. A principal that
 * was deleted and made again has another id, and the policy does not mean it.
 */
export interface BoundPolicy {
  readonly text: string
  readonly principalIds: Readonly<Record<string, string>>
}

interface Named {
  readonly accountId: AccountId
  readonly name: string
  /** `/`, or with a slash at both ends. */
  readonly path: string
  readonly createdAt: Instant
  readonly tags: Tags
}

/** Who acts in one partition alone: what a policy says of its ARN must not miss it in another one. */
interface Resident {
  /** Where it was made; absent: `aws`. */
  readonly partition?: Partition | undefined
}

/** Whether a user or a role is one of a partition. */
export const isOfPartition = ({ partition = 'aws' }: Resident, asked: Partition): boolean =>
  partition === asked

export interface User extends Named, PolicyHolder, Resident {
  /** `AIDA…` */
  readonly userId: string
  readonly groupIds: readonly string[]
  readonly boundaryArn?: string | undefined
}

export interface Role extends Named, PolicyHolder, Resident {
  /** `AROA…` */
  readonly roleId: string
  readonly description: string
  readonly trustPolicy: BoundPolicy
  /** 3600..43200. */
  readonly maxSessionSeconds: number
  readonly boundaryArn?: string | undefined
}

export interface Group extends Omit<Named, 'tags'>, PolicyHolder {
  /** `AGPA…` */
  readonly groupId: string
}

export interface PolicyVersion {
  /** `v1` */
  readonly versionId: string
  readonly text: string
  readonly createdAt: Instant
}

/** A managed policy of an account. Those of AWS are in `identity/aws-managed-policies.ts`. */
export interface ManagedPolicy extends Named {
  /** `ANPA…` */
  readonly policyId: string
  readonly description: string
  readonly updatedAt: Instant
  readonly defaultVersionId: string
  /** Oldest first; at most five. */
  readonly versions: readonly PolicyVersion[]
  /** The number of the newest version that ever was. */
  readonly versionCount: number
}

/** What lets a machine act as a role. Nothing here runs on one, but clients ask for it. */
export interface InstanceProfile extends Named {
  /** `AIPA…` */
  readonly profileId: string
  readonly roleId?: string | undefined
}

/** An OpenID Connect provider whose tokens AssumeRoleWithWebIdentity takes. */
export interface OidcProvider {
  readonly accountId: AccountId
  /** Without scheme: `token.example.com/tenant`. */
  readonly url: string
  readonly clientIds: readonly string[]
  readonly thumbprints: readonly string[]
  readonly createdAt: Instant
  readonly tags: Tags
}

/** The keys of an OpenID Connect provider, as an operator gave them: nothing is fetched then. */
export interface OidcKeys {
  /** As `OidcProvider.url`; they hold for every account that knows the provider. */
  readonly url: string
  /** JSON text of a JSON Web Key Set. */
  readonly jwks: string
  readonly updatedAt: Instant
}

/** Which kinds of things have names that are unique in their account, whatever their case. */
export type NameKind = 'user' | 'group' | 'role'

/** Who has a name. */
export interface IdentityName {
  readonly accountId: AccountId
  readonly kind: NameKind
  /** As it was given. */
  readonly name: string
  /** Unique id. */
  readonly id: string
}

/** What one thing has to do with another, kept to be found from the other end. */
export type LinkKind =
  /** A managed policy (its ARN) is attached to a user, group or role (its unique id). */
  | 'attachment'
  /** A managed policy is the permissions boundary of a user or role. */
  | 'boundary'
  /** A group (its unique id) has a user (its unique id). */
  | 'membership'
  /** A role (its unique id) is in an instance profile (its name in lower case). */
  | 'profile'

export interface IdentityLink {
  readonly accountId: AccountId
  readonly kind: LinkKind
  readonly target: string
  readonly source: string
}

/** The service control policy of an account: what nobody in it may do, whatever else allows it. */
export interface ServiceControl {
  readonly accountId: AccountId
  readonly text: string
  readonly updatedAt: Instant
}

/** The last use of an access key or a role, as far as it has been noted in the store. */
export interface IdentityUse {
  /** Access key id, or the unique id of a role. */
  readonly id: string
  readonly time: Instant
  /** `kms` */
  readonly service: string
  readonly region: string
}

/** The name of an account, by which its console is found; unique among all accounts. */
export interface AccountAlias {
  readonly alias: string
  readonly accountId: AccountId
}
