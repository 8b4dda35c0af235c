import {
  assertSymmetric,
  auditDataKey,
  checkDataKeySize,
  makeDataKey,
} from '../cryptography/data-keys.ts'
import { NEEDS_ENABLED } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'

/**
 * A random data key, encrypted under a KMS key; its plaintext is shown to nobody.
 * Source: AWS KMS API Reference, GenerateDataKeyWithoutPlaintext.
 */
export const generateDataKeyWithoutPlaintext = defineKeyOperation({
  name: 'GenerateDataKeyWithoutPlaintext',
  effect: 'read',
  check: checkDataKeySize,
  key: { accepts: 'idArnOrAlias', states: NEEDS_ENABLED, usage: 'ENCRYPT_DECRYPT' },
  admit: (_input, target) => assertSymmetric(target),

  async handle(input, target, scope) {
    const { dataKey, ciphertext, materialId } = await makeDataKey(input, target, scope)
    dataKey[Symbol.dispose]()
    return { KeyId: target.arn, CiphertextBlob: ciphertext, KeyMaterialId: materialId }
  },

  audit: auditDataKey,
})
