import { assertAlgorithm } from '../cryptography/key-algorithms.ts'
import { NEEDS_ENABLED } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'

/**
 * The HMAC of a message under an HMAC KMS key.
 * Source: AWS KMS API Reference, GenerateMac.
 */
export const generateMac = defineKeyOperation({
  name: 'GenerateMac',
  effect: 'read',
  key: { accepts: 'idArnOrAlias', states: NEEDS_ENABLED, usage: 'GENERATE_VERIFY_MAC' },
  admit: (input, { key }) => assertAlgorithm('macAlgorithms', input.MacAlgorithm, key),

  async handle(input, { key, arn }, { keystore, records }) {
    const mac = await keystore.generateMac(records, key, input.MacAlgorithm, input.Message)
    return { Mac: mac, MacAlgorithm: input.MacAlgorithm, KeyId: arn }
  },

  audit: (input) => ({
    requestParameters: { keyId: input.KeyId, macAlgorithm: input.MacAlgorithm },
  }),
})
