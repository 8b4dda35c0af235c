import { IntegrityError, ServiceError } from '../../../core/errors.ts'
import type { Key } from '../../../core/key.ts'
import { keySpecRow } from '../../../core/key-specs.ts'
import type { Records } from '../../../core/records.ts'
import { BACKING_KEYS } from '../../../core/tables.ts'
import { algorithmsOf } from '../keys/key-metadata.ts'
import { NEEDS_ENABLED } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'
import type { GetPublicKeyResponse } from '../model.ts'

/** SubjectPublicKeyInfo, DER. @throws {IntegrityError} where the key's record has none. */
async function publicKeyOf(records: Records, key: Key): Promise<Uint8Array> {
  const { region, keyId, currentMaterialId } = key
  const stored =
    currentMaterialId && (await records.find(BACKING_KEYS, [region, keyId, currentMaterialId]))
  if (!stored || stored.record.publicKey === undefined) {
    throw new IntegrityError(`the public key of key ${keyId} is missing`)
  }
  return Buffer.from(stored.record.publicKey, 'base64')
}

/**
 * The public key of an asymmetric KMS key, for use outside.
 * Source: AWS KMS API Reference, GetPublicKey.
 */
export const getPublicKey = defineKeyOperation({
  name: 'GetPublicKey',
  effect: 'read',
  key: { accepts: 'idArnOrAlias', states: NEEDS_ENABLED },
  admit(_input, { key }) {
    // AWS's text is not known; where it was recorded for key types that do not fit, there was none.
    if (keySpecRow(key.spec).type !== 'asymmetric') {
      throw new ServiceError('UnsupportedOperationException')
    }
  },

  async handle(_input, { key, arn }, { records }) {
    return {
      KeyId: arn,
      PublicKey: await publicKeyOf(records, key),
      // The enumeration of this deprecated member misses the newest specs; the wire carries them all the same.
      CustomerMasterKeySpec: key.spec as GetPublicKeyResponse['CustomerMasterKeySpec'],
      KeySpec: key.spec,
      KeyUsage: key.usage,
      ...algorithmsOf(key),
    }
  },

  audit: (input) => ({ requestParameters: { keyId: input.KeyId } }),
})
