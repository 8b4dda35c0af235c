import { ForeignMiss, type Permission } from '../../../authz/permission.ts'
import type { ServiceError } from '../../../core/errors.ts'
import type { EncryptionAlgorithm } from '../../../core/key-specs.ts'
import type { EncryptionContext, ParsedCiphertext } from '../../../core/key-store.ts'
import type { Secret } from '../../../core/secret.ts'
import { parseCiphertext } from '../../../crypto/ciphertext.ts'
import type { RequestTraits } from '../authorization/condition-keys.ts'
import { keyPermission, lostKey } from '../authorization/key-permission.ts'
import { incorrectKey, invalidCiphertext, validationError, wrongUsage } from '../keys/key-errors.ts'
import { findLiveKey, type ResolvedKey, resolveKey } from '../keys/key-resolver.ts'
import { NEEDS_ENABLED, stateRefusal } from '../keys/key-states.ts'
import type { KmsScope } from '../kms-operation.ts'
import { assertEncryption } from './encryption.ts'
import { offersAlgorithm } from './key-algorithms.ts'

/** What Decrypt, and ReEncrypt for its source, say about the ciphertext that they open. */
export interface SourceRequest {
  readonly blob: Uint8Array | undefined
  readonly keyId: string | undefined
  readonly algorithm: EncryptionAlgorithm
  readonly context: EncryptionContext | undefined
  /** The member of the request that names the key, as validation texts spell it. */
  readonly keyIdMember: string
  readonly isDryRun: boolean
  readonly modifiers: readonly string[] | undefined
}

/** A ciphertext and the key that is to open it. */
export interface Source {
  readonly target: ResolvedKey
  /** Absent where the request is a dry run that ignores the ciphertext. */
  readonly ciphertext: Uint8Array | undefined
  /** Absent for what is no ciphertext of ours. */
  readonly parsed: ParsedCiphertext | undefined
  /** Whether the request named the key or left it to the ciphertext. */
  readonly isKeyNamed: boolean
}

const ignoresCiphertext = (request: SourceRequest): boolean =>
  request.isDryRun && request.modifiers?.includes('IGNORE_CIPHERTEXT') === true

const missing = (member: string): ServiceError =>
  validationError(
    `1 validation error detected: Value null at '${member}' failed to satisfy constraint: Member must not be null`,
  )

/** The rules between the members that need no key. @throws ServiceError ValidationException */
export function checkSource(request: SourceRequest): void {
  if (request.modifiers?.includes('IGNORE_CIPHERTEXT') === true && !request.isDryRun) {
    throw validationError('DryRunModifiers can only be used when DryRun is true.')
  }
  if (ignoresCiphertext(request)) {
    if (request.keyId === undefined) throw missing(request.keyIdMember)
    return
  }
  if (request.blob === undefined) throw missing('ciphertextBlob')
  // Only the ciphertext of a symmetric key says whose it is.
  if (request.algorithm !== 'SYMMETRIC_DEFAULT' && request.keyId === undefined)
    throw missing(request.keyIdMember)
}

/**
 * The key that is to open a ciphertext: the named one, or the one that the ciphertext names. Any other
 * account's key can be named by its bare id when the ciphertext is that key's own.
 * @throws ServiceError
 */
export async function resolveSource(
  request: SourceRequest,
  operation: string,
  scope: KmsScope,
): Promise<Source> {
  const ciphertext = ignoresCiphertext(request) ? undefined : request.blob
  const parsed = ciphertext && parseCiphertext(ciphertext)
  const { keyId } = request
  const isKeyNamed = keyId !== undefined
  if (isKeyNamed && keyId !== parsed?.keyId) {
    const lookup = {
      operation,
      request: () => traitsOf(request),
      accepts: 'idArnOrAlias',
      hasInvalidArn: false,
    } as const
    return { target: await resolveKey(keyId, lookup, scope), ciphertext, parsed, isKeyNamed }
  }
  if (parsed === undefined) throw invalidCiphertext()
  const target = await findLiveKey(scope.records, scope.call.region, parsed.keyId, scope)
  if (target === undefined) {
    const namedBy = isKeyNamed ? 'arn' : 'ciphertext'
    const demand = { operation, request: traitsOf(request), namedBy } as const
    throw new ForeignMiss(lostKey(demand, parsed.keyId, scope.call))
  }
  return { target, ciphertext, parsed, isKeyNamed }
}

const traitsOf = ({ keyId, algorithm, context }: SourceRequest): RequestTraits => ({
  keyId,
  encryptionAlgorithm: algorithm,
  encryptionContext: context,
})

/** A ciphertext's key, what the request says of it, and for ReEncrypt whether it goes back under the same key. */
interface SourceDemand {
  readonly source: Source
  readonly request: SourceRequest
  readonly isSameKey?: boolean
}

/** The permission to open a ciphertext. */
export function sourcePermission(
  operation: string,
  { source: { target, isKeyNamed }, request, isSameKey }: SourceDemand,
  scope: KmsScope,
): Permission {
  const asked = traitsOf(request)
  const namedBy = isKeyNamed ? 'arn' : 'ciphertext'
  return keyPermission(
    { operation, request: { ...asked, isSameKey }, asked, namedBy },
    target,
    scope,
  )
}

/** @throws ServiceError DisabledException, KMSInvalidStateException */
export function assertSourceState({ target }: Source): void {
  const refusal = stateRefusal(NEEDS_ENABLED, target.key, target.arn)
  if (refusal !== undefined) throw refusal
}

/**
 * A named key that did not make the ciphertext is told before anything else about it. What is said to be
 * the ciphertext of an asymmetric algorithm that the key has is not read as anything else: such bytes can
 * look like everything. @throws ServiceError IncorrectKeyException
 */
export function assertSourceKey({ parsed, target }: Source, { algorithm }: SourceRequest): void {
  const { key } = target
  if (parsed === undefined || parsed.keyId === key.keyId) return
  const isAsymmetric =
    algorithm !== 'SYMMETRIC_DEFAULT' &&
    key.usage === 'ENCRYPT_DECRYPT' &&
    offersAlgorithm('encryptionAlgorithms', algorithm, key)
  if (!isAsymmetric) throw incorrectKey()
}

/** Usage, algorithm, context. @throws ServiceError InvalidKeyUsageException, ValidationException */
export function assertSourceUsage(
  { target }: Source,
  request: SourceRequest,
  operation: string,
): void {
  const { key, arn } = target
  if (key.usage !== 'ENCRYPT_DECRYPT') throw wrongUsage(arn, key.usage, operation)
  assertEncryption(target, request)
}

/** What came out of a ciphertext; the key material is named only where the ciphertext names it. */
export interface Opened {
  readonly plaintext: Secret
  readonly materialId: string | undefined
}

/** Opens the ciphertext; the caller owns the plaintext. @throws ServiceError InvalidCiphertextException */
export async function openSource(
  source: Source,
  request: SourceRequest,
  scope: KmsScope,
): Promise<Opened> {
  const opened = await tryOpen(source, request, scope)
  if (opened === undefined) throw invalidCiphertext()
  return opened
}

async function tryOpen(
  { target: { key }, parsed, ciphertext }: Source,
  { algorithm, context }: SourceRequest,
  { keystore, records }: KmsScope,
): Promise<Opened | undefined> {
  if (algorithm === 'SYMMETRIC_DEFAULT') {
    return parsed && keystore.decrypt(records, key, parsed, context ?? {})
  }
  const plaintext =
    ciphertext && (await keystore.decryptAsymmetric(records, key, algorithm, ciphertext))
  return plaintext && { plaintext, materialId: undefined }
}
