import {
  assertSignedMessage,
  signedMessageOf,
  signingParameters,
} from '../cryptography/signed-messages.ts'
import { NEEDS_ENABLED } from '../keys/key-states.ts'
import { defineKeyOperation } from '../kms-operation.ts'

/**
 * Signs a message, or the digest of one, with the private key of an asymmetric KMS key.
 * Source: AWS KMS API Reference, Sign.
 */
export const sign = defineKeyOperation({
  name: 'Sign',
  effect: 'read',
  key: { accepts: 'idArnOrAlias', states: NEEDS_ENABLED, usage: 'SIGN_VERIFY' },
  admit: assertSignedMessage,

  async handle(input, { key, arn }, { keystore, records }) {
    const signature = await keystore.sign(records, key, signedMessageOf(input))
    return { KeyId: arn, Signature: signature, SigningAlgorithm: input.SigningAlgorithm }
  },

  audit: (input) => ({ requestParameters: signingParameters(input) }),
})
