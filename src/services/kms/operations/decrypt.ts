import {
  assertSourceKey,
  assertSourceState,
  assertSourceUsage,
  checkSource,
  openSource,
  resolveSource,
  type SourceRequest,
  sourcePermission,
} from '../ciphertext-source.ts'
import { defineOperation, keyResource } from '../kms-operation.ts'
import type { DecryptRequest } from '../model.ts'

const sourceOf = (input: DecryptRequest): SourceRequest => ({
  blob: input.CiphertextBlob,
  keyId: input.KeyId,
  algorithm: input.EncryptionAlgorithm,
  keyIdMember: 'keyId',
  isDryRun: input.DryRun === true,
  modifiers: input.DryRunModifiers,
})

/**
 * Decrypts what a KMS key encrypted; the ciphertext itself says which.
 * Source: AWS KMS API Reference, Decrypt.
 */
export const decrypt = defineOperation({
  name: 'Decrypt',
  effect: 'read',
  check: (input) => checkSource(sourceOf(input)),

  resolve: (input, scope) => resolveSource(sourceOf(input), 'kms:Decrypt', scope),
  permissions: (_input, source) => [sourcePermission('kms:Decrypt', source)],
  keysOf: ({ target }) => [target],
  admit(input, source) {
    assertSourceState(source)
    assertSourceKey(source)
    assertSourceUsage(source, sourceOf(input), 'Decrypt')
  },

  async rehearse(input, source, scope) {
    if (source.ciphertext === undefined) return
    const { plaintext } = await openSource(source, input.EncryptionContext, scope)
    plaintext[Symbol.dispose]()
  },

  async handle(input, source, scope) {
    const { plaintext, materialId } = await openSource(source, input.EncryptionContext, scope)
    return {
      KeyId: source.target.arn,
      Plaintext: plaintext,
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      KeyMaterialId: materialId,
    }
  },

  resources: ({ target }) => [keyResource(target)],
  audit: (input, _source, output) => ({
    requestParameters: {
      encryptionContext: input.EncryptionContext,
      keyId: input.KeyId,
      encryptionAlgorithm: input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT',
    },
    ...(output && { additionalEventData: { keyMaterialId: output.KeyMaterialId } }),
  }),
})
