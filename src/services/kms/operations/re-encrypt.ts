import { ServiceError } from '../../../core/errors.ts'
import {
  assertSourceKey,
  assertSourceState,
  assertSourceUsage,
  checkSource,
  openSource,
  resolveSource,
  type Source,
  type SourceRequest,
  sourcePermission,
} from '../ciphertext-source.ts'
import { wrongAlgorithm } from '../key-errors.ts'
import { type ResolvedKey, resolveKey } from '../key-resolver.ts'
import { NEEDS_ENABLED } from '../key-states.ts'
import {
  assertKeyFits,
  defineOperation,
  type KmsScope,
  keyPermission,
  keyResource,
} from '../kms-operation.ts'
import type { ReEncryptRequest } from '../model.ts'

/** The two keys of one call. */
interface Target {
  readonly source: Source
  /** Or why it was not found: told only to a caller who may use the source. */
  readonly destination: ResolvedKey | ServiceError
}

const sourceOf = (input: ReEncryptRequest): SourceRequest => ({
  blob: input.CiphertextBlob,
  keyId: input.SourceKeyId,
  algorithm: input.SourceEncryptionAlgorithm,
  keyIdMember: 'sourceKeyId',
  isDryRun: input.DryRun === true,
  modifiers: input.DryRunModifiers,
})

const DESTINATION_LOOKUP = {
  action: 'kms:ReEncryptTo',
  accepts: 'idArnOrAlias',
  hasInvalidArn: false,
} as const

/** @throws ServiceError when the destination was not found */
function destinationOf({ destination }: Target): ResolvedKey {
  if (destination instanceof ServiceError) throw destination
  return destination
}

async function resolveDestination(
  given: string,
  scope: KmsScope,
): Promise<ResolvedKey | ServiceError> {
  try {
    return await resolveKey(given, DESTINATION_LOOKUP, scope)
  } catch (error) {
    if (error instanceof ServiceError) return error
    throw error
  }
}

/**
 * Decrypts under one key and encrypts under another, or under the same with another context; the
 * plaintext never leaves. One call, two permissions.
 * Source: AWS KMS API Reference, ReEncrypt.
 */
export const reEncrypt = defineOperation({
  name: 'ReEncrypt',
  effect: 'read',
  check: (input) => checkSource(sourceOf(input)),

  async resolve(input, scope): Promise<Target> {
    const source = await resolveSource(sourceOf(input), 'kms:ReEncryptFrom', scope)
    return { source, destination: await resolveDestination(input.DestinationKeyId, scope) }
  },
  *permissions(_input, target) {
    yield sourcePermission('kms:ReEncryptFrom', target.source)
    yield keyPermission('kms:ReEncryptTo', destinationOf(target))
  },
  keysOf: (target) => [target.source.target, destinationOf(target)],
  admit(input, target) {
    const { source } = target
    const destination = destinationOf(target)
    assertSourceState(source)
    assertKeyFits('ReEncrypt', { states: NEEDS_ENABLED }, destination)
    assertSourceKey(source)
    assertSourceUsage(source, sourceOf(input), 'ReEncrypt')
    assertKeyFits('ReEncrypt', { states: NEEDS_ENABLED, usage: 'ENCRYPT_DECRYPT' }, destination)
    const algorithm = input.DestinationEncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT'
    if (algorithm !== 'SYMMETRIC_DEFAULT') throw wrongAlgorithm(algorithm, destination.key.spec)
  },

  async rehearse(input, { source }, scope) {
    if (source.ciphertext === undefined) return
    const { plaintext } = await openSource(source, input.SourceEncryptionContext, scope)
    plaintext[Symbol.dispose]()
  },

  async handle(input, target, scope) {
    const { source } = target
    const destination = destinationOf(target)
    const opened = await openSource(source, input.SourceEncryptionContext, scope)
    using plaintext = opened.plaintext
    const context = input.DestinationEncryptionContext ?? {}
    const closed = await scope.keystore.encrypt(scope.records, destination.key, plaintext, context)
    return {
      CiphertextBlob: closed.ciphertext,
      SourceKeyId: source.target.arn,
      KeyId: destination.arn,
      SourceEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      DestinationEncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      SourceKeyMaterialId: opened.materialId,
      DestinationKeyMaterialId: closed.materialId,
    }
  },

  resources: ({ source, destination }) =>
    destination instanceof ServiceError
      ? [keyResource(source.target)]
      : [keyResource(source.target), keyResource(destination)],
  audit: (input, _target, output) => ({
    requestParameters: {
      sourceEncryptionContext: input.SourceEncryptionContext,
      sourceEncryptionAlgorithm: input.SourceEncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT',
      sourceKeyId: input.SourceKeyId,
      destinationKeyId: input.DestinationKeyId,
      destinationEncryptionAlgorithm: input.DestinationEncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT',
      destinationEncryptionContext: input.DestinationEncryptionContext,
    },
    ...(output && {
      additionalEventData: {
        sourceKeyMaterialId: output.SourceKeyMaterialId,
        destinationKeyMaterialId: output.DestinationKeyMaterialId,
      },
    }),
  }),
})
