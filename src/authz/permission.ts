import type { AttestationFacts } from '../core/attestation.ts'
import type { AccountId, Region } from '../core/ids.ts'
import type { Principal } from '../core/principal.ts'
import type { Grant } from '../core/tables.ts'
import type { ConditionValue } from './access-request.ts'
import type { NamedPolicy } from './policies.ts'

/** A KMS key as a decision sees it: its policy decides who else has a say. */
export interface KeyGuard {
  readonly kind: 'key'
  /** Loads the key's policy; no promise where it is at hand. */
  policy(): NamedPolicy | Promise<NamedPolicy>
  /** What a grant calls the action: `Decrypt`. */
  readonly operation: string
  /** Whether the operation can be used on another account's key. */
  readonly isCrossAccount: boolean
  /** Absent where the operation has none. */
  readonly encryptionContext?: Readonly<Record<string, string>> | undefined
  /** The grants on the key that name the principal, its account or its service. */
  grantsFor(principal: Principal): Promise<readonly Grant[]>
  /** Whether a grant that applies is enough for this request; absent where each is. */
  readonly acceptsGrant?: ((grant: Grant) => boolean) | undefined
}

/** A role, guarded by its trust policy. */
export interface TrustGuard {
  readonly kind: 'trust'
  readonly policy: NamedPolicy
}

/** A grant that is to be retired: it says itself who may. */
export interface RetirementGuard {
  readonly kind: 'retirement'
  readonly grant: Grant
}

/** Condition keys whose values must be waited for. */
export interface SlowKeys {
  /** Lower-case. */
  readonly names: readonly string[]
  load(name: string): Promise<ConditionValue | undefined>
}

/** One thing that a caller must be allowed to do, on one resource. */
export interface Permission {
  /** `kms:Encrypt` */
  readonly action: string
  /** Absent for actions on no resource in particular. */
  readonly resource?: {
    readonly accountId: AccountId
    readonly arn: string
    /** `aws:ResourceTag/…` */
    readonly tags?: Readonly<Record<string, string>> | undefined
    /** Absent where identity policies alone decide. */
    readonly guard?: KeyGuard | TrustGuard | RetirementGuard
  }
  /**
   * What a denial is told from where the resource is another account's: the permission as it would be asked
   * for if there were no such resource. It knows nothing of the real one, so neither does its text.
   */
  readonly untold?: Permission | undefined
  /** `aws:RequestedRegion` where it is another one than the call's. */
  readonly region?: Region | undefined
  /** How a denial names the resource: its ARN, or the ciphertext that it was found by. */
  readonly namedBy?: 'arn' | 'ciphertext'
  /** What a denial calls the resource in place of its ARN: IAM's say `user alice`. */
  readonly shownAs?: string | undefined
  /** `aws:RequestTag/…` and `aws:TagKeys`. */
  readonly requestTags?: Readonly<Record<string, string>> | undefined
  /** `aws:TagKeys` where the request names keys without values. */
  readonly tagKeys?: readonly string[] | undefined
  /** The service's own condition keys, by lower-case name. */
  readonly serviceKey?: ((name: string) => ConditionValue | undefined) | undefined
  /** Condition keys whose values must be waited for; asked for only where a policy reads them. */
  readonly slowKeys?: SlowKeys | undefined
  /** What a verified attestation document says of the caller's machine: `kms:RecipientAttestation:…`. */
  readonly attestation?: AttestationFacts | undefined
}

/**
 * What a request names in another account is not there. The caller is told what it would be told if it
 * were: whether its own account lets it, and otherwise that nobody lets it.
 */
export class ForeignMiss extends Error {
  override readonly name = 'ForeignMiss'
  readonly permission: Permission

  constructor(permission: Permission) {
    super('a resource of another account is not there')
    this.permission = permission
  }
}
