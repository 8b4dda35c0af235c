import { ForeignMiss } from '../../../authz/permission.ts'
import { ServiceError } from '../../../core/errors.ts'
import type { AuditDetail } from '../../../pipeline/operation.ts'
import type { RequestTraits } from '../authorization/condition-keys.ts'
import { keyPermission } from '../authorization/key-permission.ts'
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
} from '../cryptography/ciphertext-source.ts'
import {
  assertEncryption,
  assertPlaintextFits,
  type EncryptionChoice,
  encryptUnder,
} from '../cryptography/encryption.ts'
import { type ResolvedKey, resolveKey } from '../keys/key-resolver.ts'
import { NEEDS_ENABLED } from '../keys/key-states.ts'
import { assertKeyFits, defineOperation, type KmsScope, keyResource } from '../kms-operation.ts'
import type { ReEncryptRequest, ReEncryptResponse } from '../model.ts'

/** Why a key was not found. */
type Missing = ServiceError | ForeignMiss

const isMissing = (error: unknown): error is Missing =>
  error instanceof ServiceError || error instanceof ForeignMiss

/** The two keys of one call. */
interface Target {
  readonly source: Source
  /** Or why it was not found: told only to a caller who may use the source. */
  readonly destination: ResolvedKey | Missing
}

const sourceOf = (input: ReEncryptRequest): SourceRequest => ({
  blob: input.CiphertextBlob,
  keyId: input.SourceKeyId,
  algorithm: input.SourceEncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT',
  context: input.SourceEncryptionContext,
  keyIdMember: 'sourceKeyId',
  isDryRun: input.DryRun === true,
  modifiers: input.DryRunModifiers,
})

const choiceOf = (input: ReEncryptRequest): EncryptionChoice => ({
  algorithm: input.DestinationEncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT',
  context: input.DestinationEncryptionContext,
})

const DESTINATION_LOOKUP = {
  operation: 'ReEncryptTo',
  accepts: 'idArnOrAlias',
  hasInvalidArn: false,
} as const

/** @throws ServiceError when the destination was not found */
function destinationOf({ destination }: Target): ResolvedKey {
  if (isMissing(destination)) throw destination
  return destination
}

/** What conditions on the destination can be about. */
const destinationTraits = (input: ReEncryptRequest): RequestTraits => ({
  keyId: input.DestinationKeyId,
  encryptionAlgorithm: choiceOf(input).algorithm,
  encryptionContext: input.DestinationEncryptionContext,
})

async function resolveDestination(
  input: ReEncryptRequest,
  scope: KmsScope,
): Promise<ResolvedKey | Missing> {
  const lookup = { ...DESTINATION_LOOKUP, request: () => destinationTraits(input) }
  try {
    return await resolveKey(input.DestinationKeyId, lookup, scope)
  } catch (error) {
    if (isMissing(error)) return error
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
    const source = await resolveSource(sourceOf(input), 'ReEncryptFrom', scope)
    return { source, destination: await resolveDestination(input, scope) }
  },
  *permissions(input, target, scope) {
    const { destination: found } = target
    const isSameKey = !isMissing(found) && found.arn === target.source.target.arn
    const source = sourceOf(input)
    yield sourcePermission(
      'ReEncryptFrom',
      { source: target.source, request: source, isSameKey },
      scope,
    )
    const destination = destinationOf(target)
    const asked = destinationTraits(input)
    const request = { ...asked, isSameKey }
    yield keyPermission({ operation: 'ReEncryptTo', request, asked }, destination, scope)
  },
  keysOf: (target) => [target.source.target, destinationOf(target)],
  admit(input, target) {
    const { source } = target
    const destination = destinationOf(target)
    const request = sourceOf(input)
    assertSourceState(source)
    assertKeyFits('ReEncrypt', { states: NEEDS_ENABLED }, destination)
    assertSourceKey(source, request)
    assertSourceUsage(source, request, 'ReEncrypt')
    assertKeyFits('ReEncrypt', { states: NEEDS_ENABLED, usage: 'ENCRYPT_DECRYPT' }, destination)
    assertEncryption(destination, choiceOf(input))
  },

  async rehearse(input, target, scope) {
    if (target.source.ciphertext === undefined) return
    const opened = await openSource(target.source, sourceOf(input), scope)
    using plaintext = opened.plaintext
    assertPlaintextFits(destinationOf(target), choiceOf(input).algorithm, plaintext)
  },

  async handle(input, target, scope) {
    const { source } = target
    const destination = destinationOf(target)
    const request = sourceOf(input)
    const choice = choiceOf(input)
    const opened = await openSource(source, request, scope)
    using plaintext = opened.plaintext
    assertPlaintextFits(destination, choice.algorithm, plaintext)
    const closed = await encryptUnder(destination, choice, plaintext, scope)
    return {
      CiphertextBlob: closed.ciphertext,
      SourceKeyId: source.target.arn,
      KeyId: destination.arn,
      SourceEncryptionAlgorithm: request.algorithm,
      DestinationEncryptionAlgorithm: choice.algorithm,
      SourceKeyMaterialId: opened.materialId,
      DestinationKeyMaterialId: closed.materialId,
    }
  },

  resources: ({ source, destination }) =>
    isMissing(destination)
      ? [keyResource(source.target)]
      : [keyResource(source.target), keyResource(destination)],
  audit: (input, _target, output) => ({
    requestParameters: {
      sourceEncryptionContext: input.SourceEncryptionContext,
      sourceEncryptionAlgorithm: sourceOf(input).algorithm,
      sourceKeyId: input.SourceKeyId,
      destinationKeyId: input.DestinationKeyId,
      destinationEncryptionAlgorithm: choiceOf(input).algorithm,
      destinationEncryptionContext: input.DestinationEncryptionContext,
    },
    ...materialsOf(output),
  }),
})

/** Only symmetric keys have material to name. */
function materialsOf(
  output: ReEncryptResponse | undefined,
): Pick<AuditDetail, 'additionalEventData'> {
  const source = output?.SourceKeyMaterialId
  const destination = output?.DestinationKeyMaterialId
  if (source === undefined && destination === undefined) return {}
  return {
    additionalEventData: { sourceKeyMaterialId: source, destinationKeyMaterialId: destination },
  }
}
