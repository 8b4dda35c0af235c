import { assertAlgorithm } from '../cryptography/key-algorithms.ts'
import { invalidMac } from '../keys/key-errors.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import { NEEDS_ENABLED } from '../keys/key-states.ts'
import { defineKeyOperation, type KmsScope } from '../kms-operation.ts'
import type { VerifyMacRequest } from '../model.ts'

/** @throws ServiceError KMSInvalidMacException */
async function assertMac(
  { Message, Mac, MacAlgorithm }: VerifyMacRequest,
  { key }: ResolvedKey,
  { keystore, records }: KmsScope,
): Promise<void> {
  const isValid = await keystore.verifyMac(records, key, MacAlgorithm, Message, Mac)
  if (!isValid) throw invalidMac()
}

/**
 * Verifies an HMAC; one that does not verify is an error, never a `MacValid` of false.
 * Source: AWS KMS API Reference, VerifyMac.
 */
export const verifyMac = defineKeyOperation({
  name: 'VerifyMac',
  effect: 'read',
  key: { accepts: 'idArnOrAlias', states: NEEDS_ENABLED, usage: 'GENERATE_VERIFY_MAC' },
  admit: (input, { key }) => assertAlgorithm('macAlgorithms', input.MacAlgorithm, key),
  rehearse: assertMac,

  async handle(input, target, scope) {
    await assertMac(input, target, scope)
    return { KeyId: target.arn, MacValid: true, MacAlgorithm: input.MacAlgorithm }
  },

  audit: (input) => ({
    requestParameters: { keyId: input.KeyId, macAlgorithm: input.MacAlgorithm },
  }),
})
