import {
  assertSourceKey,
  assertSourceState,
  assertSourceUsage,
  checkSource,
  openSource,
  resolveSource,
  type SourceRequest,
  sourcePermission,
} from '../cryptography/ciphertext-source.ts'
import { defineOperation, keyResource } from '../kms-operation.ts'
import type { DecryptRequest } from '../model.ts'

const sourceOf = (input: DecryptRequest): SourceRequest => ({
  blob: input.CiphertextBlob,
  keyId: input.KeyId,
  algorithm: input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT',
  context: input.EncryptionContext,
  keyIdMember: 'keyId',
  isDryRun: input.DryRun === true,
  modifiers: input.DryRunModifiers,
})

/**
 * Decrypts what a KMS key encrypted. The ciphertext of a symmetric key says itself which it was; that of an
 * asymmetric key is bare, so that the request must name key and algorithm.
 * Source: AWS KMS API Reference, Decrypt.
 */
export const decrypt = defineOperation({
  name: 'Decrypt',
  effect: 'read',
  check: (input) => checkSource(sourceOf(input)),

  resolve: (input, scope) => resolveSource(sourceOf(input), 'Decrypt', scope),
  permissions: (input, source, scope) => [
    sourcePermission('Decrypt', { source, request: sourceOf(input) }, scope),
  ],
  keysOf: ({ target }) => [target],
  admit(input, source) {
    const request = sourceOf(input)
    assertSourceState(source)
    assertSourceKey(source, request)
    assertSourceUsage(source, request, 'Decrypt')
  },

  async rehearse(input, source, scope) {
    if (source.ciphertext === undefined) return
    const { plaintext } = await openSource(source, sourceOf(input), scope)
    plaintext[Symbol.dispose]()
  },

  async handle(input, source, scope) {
    const request = sourceOf(input)
    const { plaintext, materialId } = await openSource(source, request, scope)
    return {
      KeyId: source.target.arn,
      Plaintext: plaintext,
      EncryptionAlgorithm: request.algorithm,
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
    ...(output?.KeyMaterialId !== undefined && {
      additionalEventData: { keyMaterialId: output.KeyMaterialId },
    }),
  }),
})
