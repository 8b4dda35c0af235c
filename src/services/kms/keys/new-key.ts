import type { Place } from '../../../core/arn.ts'
import type { Instant, KeyId, KeyMaterialId } from '../../../core/ids.ts'
import type { BackingKey, Key } from '../../../core/key.ts'

/** The record of a symmetric key whose material is generated here, as it is when it is made. */
export function newSymmetricKey(
  place: Place,
  facts: { readonly keyId: KeyId; readonly materialId: KeyMaterialId; readonly createdAt: Instant },
): { readonly key: Key; readonly backingKey: BackingKey } {
  const { accountId, region } = place
  const { keyId, materialId, createdAt } = facts
  return {
    key: {
      accountId,
      region,
      keyId,
      spec: 'SYMMETRIC_DEFAULT',
      usage: 'ENCRYPT_DECRYPT',
      origin: 'AWS_KMS',
      description: '',
      createdAt,
      state: { name: 'Enabled' },
      tags: {},
      currentMaterialId: materialId,
      onDemandRotations: 0,
    },
    backingKey: {
      accountId,
      region,
      keyId,
      materialId,
      createdAt,
      generation: 1,
      state: 'CURRENT',
    },
  }
}
