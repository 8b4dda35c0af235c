import { foreignDenial } from '../../authz/authorize.ts'
import type { Permission } from '../../authz/permission.ts'
import { ServiceError } from '../../core/errors.ts'
import type { ParsedCiphertext } from '../../core/key-store.ts'
import { parseCiphertext } from '../../crypto/ciphertext.ts'
import {
  incorrectKey,
  invalidCiphertext,
  validationError,
  wrongAlgorithm,
  wrongUsage,
} from './key-errors.ts'
import { findLiveKey, type ResolvedKey, resolveKey } from './key-resolver.ts'
import { NEEDS_ENABLED, stateRefusal } from './key-states.ts'
import { type KmsScope, keyPermission } from './kms-operation.ts'
import type { EncryptionAlgorithmSpec } from './model.ts'

/** What Decrypt, and ReEncrypt for its source, say about the ciphertext that they open. */
export interface SourceRequest {
  readonly blob: Uint8Array | undefined
  readonly keyId: string | undefined
  readonly algorithm: EncryptionAlgorithmSpec | undefined
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
  const algorithm = request.algorithm ?? 'SYMMETRIC_DEFAULT'
  if (algorithm !== 'SYMMETRIC_DEFAULT' && request.keyId === undefined)
    throw missing(request.keyIdMember)
}

/**
 * The key that is to open a ciphertext: the named one, or the one that the ciphertext names. Any other
 * account's key can be named by its bare id when the ciphertext is that key's own.
 * @throws ServiceError
 */
export async function resolveSource(
  request: SourceRequest,
  action: string,
  scope: KmsScope,
): Promise<Source> {
  const ciphertext = ignoresCiphertext(request) ? undefined : request.blob
  const parsed = ciphertext && parseCiphertext(ciphertext)
  const { keyId } = request
  const isKeyNamed = keyId !== undefined
  if (isKeyNamed && keyId !== parsed?.keyId) {
    const lookup = { action, accepts: 'idArnOrAlias', hasInvalidArn: false } as const
    return { target: await resolveKey(keyId, lookup, scope), ciphertext, parsed, isKeyNamed }
  }
  if (parsed === undefined) throw invalidCiphertext()
  const target = await findLiveKey(scope.records, scope.call.region, parsed.keyId, scope)
  if (target === undefined) {
    throw new ServiceError(
      'AccessDeniedException',
      foreignDenial(scope.call.caller, action, isKeyNamed ? 'arn' : 'ciphertext'),
    )
  }
  return { target, ciphertext, parsed, isKeyNamed }
}

export const sourcePermission = (action: string, { target, isKeyNamed }: Source): Permission =>
  keyPermission(action, target, isKeyNamed ? 'arn' : 'ciphertext')

/** @throws ServiceError DisabledException, KMSInvalidStateException */
export function assertSourceState({ target }: Source): void {
  const refusal = stateRefusal(NEEDS_ENABLED, target.key, target.arn)
  if (refusal !== undefined) throw refusal
}

/** A named key that did not make the ciphertext is told before anything else about it. @throws ServiceError */
export function assertSourceKey({ parsed, target }: Source): void {
  if (parsed !== undefined && parsed.keyId !== target.key.keyId) throw incorrectKey()
}

/** @throws ServiceError InvalidKeyUsageException */
export function assertSourceUsage(
  { target }: Source,
  request: SourceRequest,
  operation: string,
): void {
  const { key, arn } = target
  if (key.usage !== 'ENCRYPT_DECRYPT') throw wrongUsage(arn, key.usage, operation)
  const algorithm = request.algorithm ?? 'SYMMETRIC_DEFAULT'
  if (algorithm !== 'SYMMETRIC_DEFAULT') throw wrongAlgorithm(algorithm, key.spec)
}

/** Opens the ciphertext; the caller owns the plaintext. @throws ServiceError InvalidCiphertextException */
export async function openSource(
  { target, parsed }: Source,
  context: Readonly<Record<string, string>> | undefined,
  scope: KmsScope,
) {
  const opened =
    parsed && (await scope.keystore.decrypt(scope.records, target.key, parsed, context ?? {}))
  if (opened === undefined) throw invalidCiphertext()
  return opened
}
