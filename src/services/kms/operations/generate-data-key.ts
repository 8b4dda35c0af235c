import {
  assertSymmetric,
  auditDataKey,
  checkDataKeySize,
  makeDataKey,
} from '../cryptography/data-keys.ts'
import { NEEDS_ENABLED } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'

/**
 * A random data key, in plaintext and encrypted under a KMS key.
 * Source: AWS KMS API Reference, GenerateDataKey.
 */
export const generateDataKey = defineKeyOperation({
  name: 'GenerateDataKey',
  effect: 'read',
  check: checkDataKeySize,
  key: { accepts: 'idArnOrAlias', states: NEEDS_ENABLED, usage: 'ENCRYPT_DECRYPT' },
  admit: (_input, target) => assertSymmetric(target),

  async handle(input, target, scope) {
    const { dataKey, ciphertext, materialId } = await makeDataKey(input, target, scope)
    return {
      KeyId: target.arn,
      Plaintext: dataKey,
      CiphertextBlob: ciphertext,
      KeyMaterialId: materialId,
    }
  },

  audit: auditDataKey,
})
