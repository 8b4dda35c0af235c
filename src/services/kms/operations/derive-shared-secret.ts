import type { Secret } from '../../../core/secret.ts'
import { assertAlgorithm } from '../cryptography/key-algorithms.ts'
import { invalidPublicKey } from '../keys/key-errors.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import { NEEDS_ENABLED } from '../keys/key-states.ts'
import { defineKeyOperation, type KmsScope } from '../kms-operation.ts'
import type { DeriveSharedSecretRequest } from '../model.ts'

/** The caller owns the secret. @throws ServiceError ValidationException for a public key that does not fit */
async function derive(
  { PublicKey }: DeriveSharedSecretRequest,
  { key }: ResolvedKey,
  { keystore, records }: KmsScope,
): Promise<Secret> {
  const secret = await keystore.deriveSharedSecret(records, key, PublicKey)
  if (secret === undefined) throw invalidPublicKey()
  return secret
}

/**
 * The raw shared secret of the KMS key and a peer's public key on the same curve.
 * Source: AWS KMS API Reference, DeriveSharedSecret.
 */
export const deriveSharedSecret = defineKeyOperation({
  name: 'DeriveSharedSecret',
  effect: 'read',
  key: { accepts: 'idArnOrAlias', states: NEEDS_ENABLED, usage: 'KEY_AGREEMENT' },
  admit: (input, { key }) =>
    assertAlgorithm('keyAgreementAlgorithms', input.KeyAgreementAlgorithm, key),

  async rehearse(input, target, scope) {
    const secret = await derive(input, target, scope)
    secret[Symbol.dispose]()
  },

  async handle(input, target, scope) {
    return {
      KeyId: target.arn,
      SharedSecret: await derive(input, target, scope),
      KeyAgreementAlgorithm: input.KeyAgreementAlgorithm,
      KeyOrigin: target.key.origin,
    }
  },

  audit: (input) => ({
    requestParameters: { keyId: input.KeyId, keyAgreementAlgorithm: input.KeyAgreementAlgorithm },
  }),
})
