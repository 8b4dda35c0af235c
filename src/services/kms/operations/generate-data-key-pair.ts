import {
  assertDataKeyPair,
  auditDataKeyPair,
  makeDataKeyPair,
} from '../cryptography/data-key-pairs.ts'
import { NEEDS_ENABLED } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'

/**
 * A random key pair for use outside: its private key in plaintext and encrypted under a KMS key.
 * Source: AWS KMS API Reference, GenerateDataKeyPair.
 */
export const generateDataKeyPair = defineKeyOperation({
  name: 'GenerateDataKeyPair',
  effect: 'read',
  key: { accepts: 'idArnOrAlias', states: NEEDS_ENABLED, usage: 'ENCRYPT_DECRYPT' },
  admit: assertDataKeyPair,

  async handle(input, target, scope) {
    const made = await makeDataKeyPair(input, target, scope)
    return {
      PrivateKeyCiphertextBlob: made.ciphertext,
      PrivateKeyPlaintext: made.privateKey,
      PublicKey: made.publicKey,
      KeyId: target.arn,
      KeyPairSpec: input.KeyPairSpec,
      KeyMaterialId: made.materialId,
    }
  },

  audit: auditDataKeyPair,
})
