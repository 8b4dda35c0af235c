import type { Region } from '../../../core/ids.ts'
import type { KeySpec } from '../../../core/key-specs.ts'
import { partitionOf } from '../../../core/regions.ts'
import { type DataKeyPairSpec, KMS_MODEL } from '../model.ts'

/**
 * A group of calls that share one rate, named as in Service Quotas without its ` request rate`.
 * Source: AWS KMS Developer Guide, Request quotas.
 */
export type QuotaGroup = string

const SYMMETRIC: QuotaGroup = 'Cryptographic operations (symmetric)'
const RSA: QuotaGroup = 'Cryptographic operations (RSA)'
const ECC: QuotaGroup = 'Cryptographic operations (ECC)'
const ML_DSA: QuotaGroup = 'Cryptographic operations (ML-DSA)'
const ML_KEM: QuotaGroup = 'Cryptographic operations (ML-KEM)'
/** For each custom key store by itself, beside the group of the key. */
export const CUSTOM_KEY_STORE: QuotaGroup = 'Custom key store'

/** The group of a data key pair's spec. */
export const pairGroup = (spec: DataKeyPairSpec): QuotaGroup => `GenerateDataKeyPair (${spec})`

/** The group of cryptographic operations with a key of this spec. ECC and SM2 share one. */
export function keyGroup(spec: KeySpec): QuotaGroup {
  if (spec.startsWith('RSA_')) return RSA
  if (spec.startsWith('ML_DSA_')) return ML_DSA
  if (spec.startsWith('ML_KEM_')) return ML_KEM
  return spec.startsWith('ECC_') || spec === 'SM2' ? ECC : SYMMETRIC
}

/** Whose group only the key tells, or the spec of the pair. */
const DEPENDS_ON_KEY: ReadonlySet<string> = new Set([
  'Decrypt',
  'Encrypt',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
  'ReEncrypt',
  'Sign',
  'Verify',
])

const SHARED: ReadonlyMap<string, QuotaGroup> = new Map([
  ['Decapsulate', ML_KEM],
  ['DeriveSharedSecret', ECC],
  ['Encapsulate', ML_KEM],
  ['GenerateDataKey', SYMMETRIC],
  ['GenerateDataKeyWithoutPlaintext', SYMMETRIC],
  ['GenerateMac', SYMMETRIC],
  ['GenerateRandom', SYMMETRIC],
  ['VerifyMac', SYMMETRIC],
])

/** The group that an operation's name tells; undefined where it takes the key. */
export const operationGroup = (operation: string): QuotaGroup | undefined =>
  DEPENDS_ON_KEY.has(operation) ? undefined : (SHARED.get(operation) ?? operation)

/** Rates of groups that are no single operation's. Unit: calls per second. */
const CRYPTOGRAPHIC: ReadonlyMap<QuotaGroup, number> = new Map([
  [RSA, 1000],
  [ECC, 1000],
  [ML_DSA, 1000],
  // AWS's are not published where we could read them; that of the other asymmetric keys.
  [ML_KEM, 1000],
  [CUSTOM_KEY_STORE, 1800],
])

/** Unit: pairs per second. Those of ML-KEM are not published: as for curves, which cost as little. */
const PAIRS: Readonly<Record<DataKeyPairSpec, number>> = {
  ECC_NIST_P256: 100,
  ECC_NIST_P384: 100,
  ECC_NIST_P521: 100,
  ECC_SECG_P256K1: 100,
  ECC_NIST_EDWARDS25519: 100,
  RSA_2048: 20,
  RSA_3072: 4,
  RSA_4096: 1,
  SM2: 25,
  ML_KEM_512: 100,
  ML_KEM_768: 100,
  ML_KEM_1024: 100,
}

/** Of `PAIRS`, what differs in the China Regions. */
const CHINA_PAIRS: ReadonlyMap<QuotaGroup, number> = new Map([
  [pairGroup('RSA_2048'), 1],
  [pairGroup('RSA_3072'), 0.5],
  [pairGroup('RSA_4096'), 0.1],
])

/** Operations with a rate of their own, by that rate. Unit: calls per second. */
const MANAGEMENT: readonly (readonly [number, readonly string[]])[] = [
  [2000, ['DescribeKey', 'GetPublicKey', 'ListResourceTags']],
  [1000, ['GetKeyPolicy', 'GetKeyRotationStatus']],
  [500, ['ListAliases', 'ListKeys']],
  [100, ['ListGrants', 'ListKeyPolicies', 'ListKeyRotations', 'ListRetirableGrants']],
  [50, ['CreateGrant', 'RetireGrant', 'RevokeGrant']],
  [
    15,
    [
      'DeleteAlias',
      'DeleteImportedKeyMaterial',
      'EnableKeyRotation',
      'ImportKeyMaterial',
      'PutKeyPolicy',
      'ScheduleKeyDeletion',
    ],
  ],
  [10, ['TagResource']],
  [1, ['GetParametersForImport']],
]

/** Of every operation that `MANAGEMENT` does not name. */
const OTHER_MANAGEMENT = 5

const FIXED: ReadonlyMap<QuotaGroup, number> = new Map([
  ...[...KMS_MODEL.operations.keys()]
    .filter((operation) => operationGroup(operation) === operation)
    .map((operation) => [operation, OTHER_MANAGEMENT] as const),
  ...MANAGEMENT.flatMap(([rate, names]) => names.map((name) => [name, rate] as const)),
  ...CRYPTOGRAPHIC,
  ...Object.entries(PAIRS).map(
    // Object.entries widens the keys of the record above, which are exactly these.
    ([spec, rate]) => [pairGroup(spec as DataKeyPairSpec), rate] as const,
  ),
])

const SYMMETRIC_RATE = 10_000
const SYMMETRIC_RATES: ReadonlyMap<string, number> = new Map([
  ['us-east-1', 100_000],
  ['us-west-2', 100_000],
  ['eu-west-1', 100_000],
  ['us-east-2', 20_000],
  ['ap-southeast-1', 20_000],
  ['ap-southeast-2', 20_000],
  ['ap-northeast-1', 20_000],
  ['eu-central-1', 20_000],
  ['eu-west-2', 20_000],
])

/** AWS's rate of a group in a Region. Unit: calls per second. */
export function awsRate(group: QuotaGroup, region: Region): number {
  if (group === SYMMETRIC) return SYMMETRIC_RATES.get(region) ?? SYMMETRIC_RATE
  const chinese = partitionOf(region) === 'aws-cn' ? CHINA_PAIRS.get(group) : undefined
  return chinese ?? FIXED.get(group) ?? OTHER_MANAGEMENT
}

/** What a rate can be set for: every group, and every operation by itself. */
export const RATE_NAMES: ReadonlySet<string> = new Set([
  SYMMETRIC,
  ...FIXED.keys(),
  ...KMS_MODEL.operations.keys(),
])
