import { keyArn, rootArn } from '../../../core/arn.ts'
import { ServiceError } from '../../../core/errors.ts'
import type { Key } from '../../../core/key.ts'
import { type KeyUsage, keySpecRow } from '../../../core/key-specs.ts'
import type { Records, Stored } from '../../../core/records.ts'
import { partitionOf } from '../../../core/regions.ts'
import { GRANTS, type Grant } from '../../../core/tables.ts'
import { shownGrant } from '../authorization/grant-binding.ts'
import type { GrantListEntry, GrantOperation } from '../model.ts'

/** Source: AWS KMS Developer Guide, Resource quotas: grants per customer managed key. */
export const GRANTS_PER_KEY_MAX = 50_000

const GRANT_ID = /^[0-9a-f]{64}$/

/** What can be granted on any key. */
const ON_ANY_KEY: readonly GrantOperation[] = ['CreateGrant', 'RetireGrant', 'DescribeKey']

const ON_SYMMETRIC_KEYS: readonly GrantOperation[] = [
  'Encrypt',
  'Decrypt',
  'ReEncryptFrom',
  'ReEncryptTo',
  'GenerateDataKey',
  'GenerateDataKeyWithoutPlaintext',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
]

/** Beside what can be granted on any key. Source: AWS KMS Developer Guide, Grants, Grant operations. */
const BY_USAGE: Readonly<Record<KeyUsage, readonly GrantOperation[]>> = {
  ENCRYPT_DECRYPT: ['Encrypt', 'Decrypt', 'ReEncryptFrom', 'ReEncryptTo', 'GetPublicKey'],
  SIGN_VERIFY: ['Sign', 'Verify', 'GetPublicKey'],
  KEY_AGREEMENT: ['DeriveSharedSecret', 'GetPublicKey'],
  GENERATE_VERIFY_MAC: ['GenerateMac', 'VerifyMac'],
  ENCAPSULATE_DECAPSULATE: ['Encapsulate', 'Decapsulate', 'GetPublicKey'],
}

/** Everything that can be granted on some key. */
export const GRANTABLE_OPERATIONS: readonly GrantOperation[] = [
  ...new Set([...ON_ANY_KEY, ...ON_SYMMETRIC_KEYS, ...Object.values(BY_USAGE).flat()]),
]

/** Whether an operation can be granted on a key of this type and usage. */
export function isGrantable(operation: GrantOperation, key: Key): boolean {
  if (ON_ANY_KEY.includes(operation)) return true
  const isSymmetric = keySpecRow(key.spec).type === 'symmetric'
  return (isSymmetric ? ON_SYMMETRIC_KEYS : BY_USAGE[key.usage]).includes(operation)
}

/** @throws ServiceError InvalidGrantIdException for text that is no id of a grant */
export function assertGrantId(grantId: string): void {
  if (!GRANT_ID.test(grantId)) {
    throw new ServiceError('InvalidGrantIdException', `Invalid grantId '${grantId}'`)
  }
}

export const grantNotFound = (grantId: string): ServiceError =>
  new ServiceError('NotFoundException', `Grant ID ${grantId} not found`)

export const findGrant = (
  records: Records,
  { region, keyId }: Key,
  grantId: string,
): Promise<Stored<Grant> | undefined> => records.find(GRANTS, [region, keyId, grantId])

/** @throws ServiceError NotFoundException */
export async function getGrant(
  records: Records,
  key: Key,
  grantId: string,
): Promise<Stored<Grant>> {
  const stored = await findGrant(records, key, grantId)
  if (stored === undefined) throw grantNotFound(grantId)
  return stored
}

/** @throws ServiceError LimitExceededException */
export async function assertRoomForGrant(records: Pick<Records, 'count'>, key: Key): Promise<void> {
  if (key.managedBy !== undefined) return
  const count = await records.count(GRANTS, {
    index: 'key',
    equals: [key.region, key.keyId],
    atMost: GRANTS_PER_KEY_MAX,
  })
  if (count >= GRANTS_PER_KEY_MAX) {
    throw new ServiceError(
      'LimitExceededException',
      `The key ${keyArn(key, key.keyId)} already has ${GRANTS_PER_KEY_MAX} grants.`,
    )
  }
}

/** A grant as listings show it. */
export async function grantEntry(
  records: Records,
  record: Grant,
  key: Key,
): Promise<GrantListEntry> {
  const grant = await shownGrant(records, record)
  const { constraints, region } = grant
  return {
    KeyId: keyArn(key, key.keyId),
    GrantId: grant.grantId,
    Name: grant.name,
    CreationDate: grant.createdAt,
    GranteePrincipal: grant.granteePrincipal,
    GranteeServicePrincipal: grant.granteeServicePrincipal,
    RetiringPrincipal: grant.retiringPrincipal,
    RetiringServicePrincipal: grant.retiringServicePrincipal,
    IssuingAccount: rootArn(partitionOf(region), grant.issuingAccount),
    // CreateGrant stores operations of the service model alone.
    Operations: grant.operations as readonly GrantOperation[],
    Constraints: constraints && {
      EncryptionContextSubset: constraints.encryptionContextSubset,
      EncryptionContextEquals: constraints.encryptionContextEquals,
      SourceArn: constraints.sourceArn,
    },
  }
}

/** Source: AWS KMS API Reference, ListGrants and ListRetirableGrants, Limit. */
export const GRANT_PAGE_LIMITS = { default: 50, max: 100 }
