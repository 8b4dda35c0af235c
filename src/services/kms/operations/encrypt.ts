import { wrongAlgorithm } from '../key-errors.ts'
import { NEEDS_ENABLED } from '../key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'

/**
 * Encrypts up to 4,096 bytes under a KMS key.
 * Source: AWS KMS API Reference, Encrypt.
 */
export const encrypt = defineKeyOperation({
  name: 'Encrypt',
  effect: 'read',
  key: { accepts: 'idArnOrAlias', states: NEEDS_ENABLED, usage: 'ENCRYPT_DECRYPT' },

  admit(input, { key }) {
    const algorithm = input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT'
    if (algorithm !== 'SYMMETRIC_DEFAULT') throw wrongAlgorithm(algorithm, key.spec)
  },

  async handle(input, { key, arn }, scope) {
    const context = input.EncryptionContext ?? {}
    const { ciphertext } = await scope.keystore.encrypt(
      scope.records,
      key,
      input.Plaintext,
      context,
    )
    return { CiphertextBlob: ciphertext, KeyId: arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' }
  },

  audit: (input, target) => ({
    requestParameters: {
      encryptionContext: input.EncryptionContext,
      keyId: input.KeyId,
      encryptionAlgorithm: input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT',
    },
    ...(target && { additionalEventData: { keyMaterialId: target.key.currentMaterialId } }),
  }),
})
