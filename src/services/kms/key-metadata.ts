import { keyArn } from '../../core/arn.ts'
import { KEY_SPECS, type Key } from '../../core/key.ts'

/** The `KeyMetadata` structure of a key. Source: AWS KMS API Reference, KeyMetadata. */
export function keyMetadata(key: Key) {
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
    Origin: key.origin,
    KeyManager: 'CUSTOMER' as const,
    CustomerMasterKeySpec: key.spec,
    KeySpec: key.spec,
    EncryptionAlgorithms: KEY_SPECS[key.spec].encryptionAlgorithms,
    MultiRegion: false,
    CurrentKeyMaterialId: key.currentMaterialId,
  }
}
