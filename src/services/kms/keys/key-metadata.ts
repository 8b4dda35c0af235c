import { keyArn, type Place } from '../../../core/arn.ts'
import { unreachable } from '../../../core/assert.ts'
import type { Region } from '../../../core/ids.ts'
import { isPrimary, type Key } from '../../../core/key.ts'
import { keySpecRow } from '../../../core/key-specs.ts'
import type { KeyMetadata } from '../model.ts'

/** What a key's imported material says about its end, taken over all of its permanently associated material. */
export interface ImportFacts {
  readonly expirationModel: 'KEY_MATERIAL_EXPIRES' | 'KEY_MATERIAL_DOES_NOT_EXPIRE' | undefined
  readonly validTo: KeyMetadata['ValidTo']
}

const NOT_IMPORTED: ImportFacts = { expirationModel: undefined, validTo: undefined }

/** The algorithms that a key offers for what it is used for. */
export function algorithmsOf({ spec, usage }: Pick<Key, 'spec' | 'usage'>) {
  const row = keySpecRow(spec)
  switch (usage) {
    case 'ENCRYPT_DECRYPT':
      return { EncryptionAlgorithms: row.encryptionAlgorithms }
    case 'SIGN_VERIFY':
      return { SigningAlgorithms: row.signingAlgorithms }
    case 'GENERATE_VERIFY_MAC':
      return { MacAlgorithms: row.macAlgorithms }
    case 'KEY_AGREEMENT':
      return { KeyAgreementAlgorithms: row.keyAgreementAlgorithms }
    case 'ENCAPSULATE_DECAPSULATE':
      return { EncapsulationAlgorithms: row.encapsulationAlgorithms }
    default:
      return unreachable(usage)
  }
}

function multiRegionConfiguration(key: Key): KeyMetadata['MultiRegionConfiguration'] {
  if (key.multiRegion === undefined) return undefined
  const { primaryRegion, replicaRegions } = key.multiRegion
  const member = (region: Region) => {
    const place: Place = { accountId: key.accountId, region }
    return { Arn: keyArn(place, key.keyId), Region: region }
  }
  return {
    MultiRegionKeyType: isPrimary(key) === true ? 'PRIMARY' : 'REPLICA',
    PrimaryKey: member(primaryRegion),
    ReplicaKeys: replicaRegions.map(member),
  }
}

/**
 * The `KeyMetadata` structure of a key. `CustomerMasterKeySpec` repeats the spec even where its
 * deprecated enumeration lacks it. Source: AWS KMS API Reference, KeyMetadata.
 */
export function keyMetadata(key: Key, imported: ImportFacts = NOT_IMPORTED): KeyMetadata {
  return {
    AWSAccountId: key.accountId,
    KeyId: key.keyId,
    Arn: keyArn(key, key.keyId),
    CreationDate: key.createdAt,
    Enabled: key.state.name === 'Enabled',
    Description: key.description,
    KeyUsage: key.usage,
    KeyState: key.state.name,
    DeletionDate: key.state.name === 'PendingDeletion' ? key.state.deletionDate : undefined,
    ValidTo: imported.validTo,
    Origin: key.origin,
    CustomKeyStoreId: key.customKeyStoreId,
    ExpirationModel: imported.expirationModel,
    KeyManager: key.managedBy === undefined ? 'CUSTOMER' : 'AWS',
    // The enumeration of this deprecated member misses the newest specs; the wire carries them all the same.
    CustomerMasterKeySpec: key.spec as KeyMetadata['CustomerMasterKeySpec'],
    KeySpec: key.spec,
    ...algorithmsOf(key),
    MultiRegion: key.multiRegion !== undefined,
    MultiRegionConfiguration: multiRegionConfiguration(key),
    PendingDeletionWindowInDays:
      key.state.name === 'PendingReplicaDeletion' ? key.state.windowDays : undefined,
    // AWS names the material of symmetric encryption keys alone.
    CurrentKeyMaterialId: key.spec === 'SYMMETRIC_DEFAULT' ? key.currentMaterialId : undefined,
  }
}
