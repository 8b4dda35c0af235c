import type { Secret } from '../../../core/secret.ts'
import { assertAlgorithm } from '../cryptography/key-algorithms.ts'
import { invalidCiphertext } from '../keys/key-errors.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import { NEEDS_ENABLED } from '../keys/key-states.ts'
import { defineKeyOperation, type KmsScope } from '../kms-operation.ts'
import type { DecapsulateRequest } from '../model.ts'

/** The caller owns the secret. @throws ServiceError InvalidCiphertextException for a wrong length */
async function open(
  { SharedSecretCiphertextBlob }: DecapsulateRequest,
  { key }: ResolvedKey,
  { keystore, records }: KmsScope,
): Promise<Secret> {
  const secret = await keystore.decapsulate(records, key, SharedSecretCiphertextBlob)
  if (secret === undefined) throw invalidCiphertext()
  return secret
}

/**
 * The shared secret that Encapsulate, here or elsewhere, made for the KMS key. What was altered, or made for
 * another key, gives other bytes and no error.
 * Source: AWS KMS API Reference, Decapsulate; FIPS 203, algorithm 21.
 */
export const decapsulate = defineKeyOperation({
  name: 'Decapsulate',
  effect: 'read',
  key: { accepts: 'idArnOrAlias', states: NEEDS_ENABLED, usage: 'ENCAPSULATE_DECAPSULATE' },
  admit: (input, { key }) =>
    assertAlgorithm('encapsulationAlgorithms', input.EncapsulationAlgorithm, key),

  async rehearse(input, target, scope) {
    const secret = await open(input, target, scope)
    secret[Symbol.dispose]()
  },

  async handle(input, target, scope) {
    return {
      KeyId: target.arn,
      SharedSecret: await open(input, target, scope),
      EncapsulationAlgorithm: input.EncapsulationAlgorithm,
    }
  },

  audit: (input) => ({
    requestParameters: { keyId: input.KeyId, encapsulationAlgorithm: input.EncapsulationAlgorithm },
  }),
})
