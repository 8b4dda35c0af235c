import type { Key } from '../../../core/key.ts'
import { keySpecRow } from '../../../core/key-specs.ts'
import { GRANTABLE_OPERATIONS, isGrantable } from '../grants/grants.ts'

/** What can be done to every key, beside what can be granted. RetireGrant is not here: a grant says itself who may retire it. */
const ON_ANY_KEY = [
  'CancelKeyDeletion',
  'CreateAlias',
  'DeleteAlias',
  'DisableKey',
  'EnableKey',
  'GetKeyLastUsage',
  'GetKeyPolicy',
  'GetKeyRotationStatus',
  'ListGrants',
  'ListKeyPolicies',
  'ListResourceTags',
  'PutKeyPolicy',
  'RevokeGrant',
  'ScheduleKeyDeletion',
  'TagResource',
  'UntagResource',
  'UpdateAlias',
  'UpdateKeyDescription',
] as const
const ON_ROTATED_KEYS = ['ListKeyRotations', 'RotateKeyOnDemand'] as const
const ON_ROTATING_KEYS = ['DisableKeyRotation', 'EnableKeyRotation'] as const
const ON_IMPORTED_KEYS = [
  'DeleteImportedKeyMaterial',
  'GetParametersForImport',
  'ImportKeyMaterial',
] as const
const ON_MULTI_REGION_KEYS = ['ReplicateKey', 'UpdatePrimaryRegion'] as const

const GRANTABLE = GRANTABLE_OPERATIONS.filter((operation) => operation !== 'RetireGrant')

const ALL: readonly string[] = [
  ...ON_ANY_KEY,
  ...ON_ROTATED_KEYS,
  ...ON_ROTATING_KEYS,
  ...ON_IMPORTED_KEYS,
  ...ON_MULTI_REGION_KEYS,
  ...GRANTABLE,
]
const BY_LOWER_NAME: ReadonlyMap<string, string> = new Map(
  ALL.map((operation) => [operation.toLowerCase(), operation]),
)

/** The operation on a key that a text names, `kms:decrypt` or `Decrypt`; undefined for every other text. */
export const findKeyOperation = (text: string): string | undefined =>
  BY_LOWER_NAME.get(text.toLowerCase().replace(/^kms:/, ''))

/** What can be done to a key of this kind, in the order of the alphabet. */
export function operationsOn(key: Key): readonly string[] {
  const isSymmetric = keySpecRow(key.spec).type === 'symmetric'
  const isRotated = isSymmetric && (key.origin === 'AWS_KMS' || key.origin === 'EXTERNAL')
  return [
    ...ON_ANY_KEY,
    ...(isRotated ? ON_ROTATED_KEYS : []),
    ...(isRotated && key.origin === 'AWS_KMS' ? ON_ROTATING_KEYS : []),
    ...(key.origin === 'EXTERNAL' ? ON_IMPORTED_KEYS : []),
    ...(key.multiRegion === undefined ? [] : ON_MULTI_REGION_KEYS),
    ...GRANTABLE.filter((operation) => isGrantable(operation, key)),
  ].toSorted()
}
