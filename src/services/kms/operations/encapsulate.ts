import { assertAlgorithm } from '../cryptography/key-algorithms.ts'
import { NEEDS_ENABLED } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'

/**
 * A fresh shared secret, and what carries it to whoever may decapsulate with the KMS key.
 * Source: AWS KMS API Reference, Encapsulate; FIPS 203, algorithm 20.
 */
export const encapsulate = defineKeyOperation({
  name: 'Encapsulate',
  effect: 'read',
  key: { accepts: 'idArnOrAlias', states: NEEDS_ENABLED, usage: 'ENCAPSULATE_DECAPSULATE' },
  admit: (input, { key }) =>
    assertAlgorithm('encapsulationAlgorithms', input.EncapsulationAlgorithm, key),

  async handle(input, { key, arn }, { keystore, records }) {
    const { sharedSecret, ciphertext } = await keystore.encapsulate(records, key)
    return {
      KeyId: arn,
      SharedSecret: sharedSecret,
      SharedSecretCiphertextBlob: ciphertext,
      EncapsulationAlgorithm: input.EncapsulationAlgorithm,
    }
  },

  audit: (input) => ({
    requestParameters: { keyId: input.KeyId, encapsulationAlgorithm: input.EncapsulationAlgorithm },
  }),
})
