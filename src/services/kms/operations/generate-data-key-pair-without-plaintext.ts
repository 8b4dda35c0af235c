import {
  assertDataKeyPair,
  auditDataKeyPair,
  makeDataKeyPair,
} from '../cryptography/data-key-pairs.ts'
import { NEEDS_ENABLED } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'

/**
 * A random key pair for use outside: its private key encrypted under a KMS key and shown to nobody.
 * Source: AWS KMS API Reference, GenerateDataKeyPairWithoutPlaintext.
 */
export const generateDataKeyPairWithoutPlaintext = defineKeyOperation({
  name: 'GenerateDataKeyPairWithoutPlaintext',
  effect: 'read',
  key: { accepts: 'idArnOrAlias', states: NEEDS_ENABLED, usage: 'ENCRYPT_DECRYPT' },
  admit: assertDataKeyPair,

  async handle(input, target, scope) {
    const made = await makeDataKeyPair(input, target, scope)
    made.privateKey[Symbol.dispose]()
    return {
      PrivateKeyCiphertextBlob: made.ciphertext,
      PublicKey: made.publicKey,
      KeyId: target.arn,
      KeyPairSpec: input.KeyPairSpec,
      KeyMaterialId: made.materialId,
    }
  },

  audit: auditDataKeyPair,
})
