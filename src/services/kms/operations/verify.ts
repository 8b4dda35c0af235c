import {
  assertSignedMessage,
  signedMessageOf,
  signingParameters,
} from '../cryptography/signed-messages.ts'
import { invalidSignature } from '../keys/key-errors.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import { NEEDS_ENABLED } from '../keys/key-states.ts'
import { defineKeyOperation, type KmsScope } from '../kms-operation.ts'
import type { VerifyRequest } from '../model.ts'

/** @throws ServiceError KMSInvalidSignatureException */
async function assertSignature(
  input: VerifyRequest,
  { key }: ResolvedKey,
  { keystore, records }: KmsScope,
): Promise<void> {
  const isValid = await keystore.verify(records, key, signedMessageOf(input), input.Signature)
  if (!isValid) throw invalidSignature()
}

/**
 * Verifies a signature; one that does not verify is an error, never a `SignatureValid` of false.
 * Source: AWS KMS API Reference, Verify.
 */
export const verify = defineKeyOperation({
  name: 'Verify',
  effect: 'read',
  key: { accepts: 'idArnOrAlias', states: NEEDS_ENABLED, usage: 'SIGN_VERIFY' },
  admit: assertSignedMessage,
  rehearse: assertSignature,

  async handle(input, target, scope) {
    await assertSignature(input, target, scope)
    return {
      KeyId: target.arn,
      SignatureValid: true,
      SigningAlgorithm: input.SigningAlgorithm,
    }
  },

  audit: (input) => ({ requestParameters: signingParameters(input) }),
})
