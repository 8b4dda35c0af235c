import { assertEncryption, assertPlaintextFits, encryptUnder } from '../cryptography/encryption.ts'
import { NEEDS_ENABLED } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'
import type { EncryptRequest } from '../model.ts'

const choiceOf = (input: EncryptRequest) => ({
  algorithm: input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT',
  context: input.EncryptionContext,
})

/**
 * Encrypts up to 4,096 bytes under a symmetric KMS key, or as much as its algorithm takes under the public
 * key of an asymmetric one.
 * Source: AWS KMS API Reference, Encrypt.
 */
export const encrypt = defineKeyOperation({
  name: 'Encrypt',
  effect: 'read',
  key: { accepts: 'idArnOrAlias', states: NEEDS_ENABLED, usage: 'ENCRYPT_DECRYPT' },

  admit(input, target) {
    const choice = choiceOf(input)
    assertEncryption(target, choice)
    assertPlaintextFits(target, choice.algorithm, input.Plaintext)
  },

  async handle(input, target, scope) {
    const choice = choiceOf(input)
    const { ciphertext } = await encryptUnder(target, choice, input.Plaintext, scope)
    return {
      CiphertextBlob: ciphertext,
      KeyId: target.arn,
      EncryptionAlgorithm: choice.algorithm,
    }
  },

  audit(input, target) {
    const encryptionAlgorithm = input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT'
    return {
      requestParameters: {
        encryptionContext: input.EncryptionContext,
        keyId: input.KeyId,
        encryptionAlgorithm,
      },
      ...(target &&
        encryptionAlgorithm === 'SYMMETRIC_DEFAULT' && {
          additionalEventData: { keyMaterialId: target.key.currentMaterialId },
        }),
    }
  },
})
