import { DAY_MS, type Instant } from '../../../core/ids.ts'
import type { GrantConstraints } from '../../../core/tables.ts'
import { constraintContext, constraintType, type RequestTraits } from './condition-keys.ts'

/** Operations that encrypt or decrypt with an algorithm that a request may leave out. */
const WITH_ALGORITHM: ReadonlySet<string> = new Set([
  'Encrypt',
  'Decrypt',
  'GenerateDataKey',
  'GenerateDataKeyWithoutPlaintext',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
])
/** Operations on the grants that a service makes for its caller. */
const ON_GRANTS: ReadonlySet<string> = new Set(['CreateGrant', 'ListGrants', 'RevokeGrant'])
/** Operations whose own policy can lock its author out. */
const SETTING_POLICIES: ReadonlySet<string> = new Set(['CreateKey', 'PutKeyPolicy'])
/** Operations that `kms:RequestAlias` is there for, beside the cryptographic ones. */
const WITHOUT_ALIAS: ReadonlySet<string> = new Set(['ListGrants', 'RevokeGrant', 'CreateGrant'])

/** The members of inputs of operations on one key that condition keys are about. */
interface KnownMembers {
  readonly KeyId?: string
  readonly EncryptionAlgorithm?: string
  readonly EncryptionContext?: Readonly<Record<string, string>>
  readonly KeyPairSpec?: string
  readonly MacAlgorithm?: string
  readonly MessageType?: string
  readonly SigningAlgorithm?: string
  readonly KeyAgreementAlgorithm?: string
  readonly ExpirationModel?: string
  readonly ValidTo?: Instant
  readonly WrappingAlgorithm?: string
  readonly WrappingKeySpec?: string
  readonly RotationPeriodInDays?: number
  readonly PendingWindowInDays?: number
  readonly BypassPolicyLockoutSafetyCheck?: boolean
  readonly ReplicaRegion?: string
  readonly PrimaryRegion?: string
  readonly Operations?: readonly string[]
  readonly GranteePrincipal?: string
  readonly RetiringPrincipal?: string
  readonly GranteeServicePrincipal?: string
  readonly RetiringServicePrincipal?: string
  readonly Constraints?: {
    readonly EncryptionContextEquals?: Readonly<Record<string, string>>
    readonly EncryptionContextSubset?: Readonly<Record<string, string>>
    readonly SourceArn?: string
  }
}

const text = (value: number | boolean | undefined): string | undefined =>
  value === undefined ? undefined : String(value)

const constraintsOf = ({ Constraints }: KnownMembers): GrantConstraints | undefined =>
  Constraints && {
    encryptionContextEquals: Constraints.EncryptionContextEquals,
    encryptionContextSubset: Constraints.EncryptionContextSubset,
    sourceArn: Constraints.SourceArn,
  }

/** What is said of a grant that is to be made: the members of a listing's filter are called alike. */
const grantValues = (known: KnownMembers, constraints: GrantConstraints | undefined) => ({
  grantoperations: known.Operations,
  granteeprincipal: known.GranteePrincipal,
  retiringprincipal: known.RetiringPrincipal,
  granteeserviceprincipal: known.GranteeServicePrincipal,
  retiringserviceprincipal: known.RetiringServicePrincipal,
  grantconstrainttype: constraintType(constraints),
  grantconstraintsourcearn: constraints?.sourceArn,
})

/**
 * What the request of an operation on one key says, by the members that its input has: they are called
 * alike in every operation.
 * @param isForService whether a service calls for its caller, which is what `kms:GrantIsForAWSResource` tells
 */
export function requestTraits(
  operation: string,
  input: object,
  isForService: boolean,
): RequestTraits {
  // Members of these names have these types in every operation of the service model; a test compares.
  const known = input as KnownMembers
  const constraints = constraintsOf(known)
  return {
    keyId: WITHOUT_ALIAS.has(operation) ? undefined : known.KeyId,
    encryptionAlgorithm: WITH_ALGORITHM.has(operation)
      ? (known.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT')
      : undefined,
    encryptionContext: known.EncryptionContext ?? constraintContext(constraints),
    values: () => ({
      datakeypairspec: known.KeyPairSpec,
      macalgorithm: known.MacAlgorithm,
      messagetype: known.SigningAlgorithm && (known.MessageType ?? 'RAW'),
      signingalgorithm: known.SigningAlgorithm,
      keyagreementalgorithm: known.KeyAgreementAlgorithm,
      expirationmodel: known.ExpirationModel,
      validto: known.ValidTo === undefined ? undefined : String(Math.floor(known.ValidTo / 1000)),
      wrappingalgorithm: known.WrappingAlgorithm,
      wrappingkeyspec: known.WrappingKeySpec,
      rotationperiodindays: text(known.RotationPeriodInDays),
      schedulekeydeletionpendingwindowindays: text(known.PendingWindowInDays),
      ...(SETTING_POLICIES.has(operation) && {
        bypasspolicylockoutsafetycheck: text(known.BypassPolicyLockoutSafetyCheck),
      }),
      ...(operation === 'ReplicateKey' && { replicaregion: known.ReplicaRegion }),
      primaryregion: known.PrimaryRegion,
      ...(operation === 'CreateGrant' && grantValues(known, constraints)),
      ...(ON_GRANTS.has(operation) && { grantisforawsresource: text(isForService) }),
    }),
  }
}

/** Whole days between two moments, for `kms:TrailingDaysWithoutKeyUsage`. */
export const wholeDays = (since: Instant, now: Instant): string =>
  String(Math.max(0, Math.floor((now - since) / DAY_MS)))
