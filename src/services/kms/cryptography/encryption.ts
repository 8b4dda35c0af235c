import { assert } from '../../../core/assert.ts'
import type { EncryptionAlgorithm } from '../../../core/key-specs.ts'
import type { EncryptionContext } from '../../../core/key-store.ts'
import type { Secret } from '../../../core/secret.ts'
import { plaintextBytesMax } from '../../../crypto/asymmetric/encryption.ts'
import { isAsymmetricSpec } from '../../../crypto/asymmetric/key-algorithms.ts'
import { contextNotBound, plaintextTooLong } from '../keys/key-errors.ts'
import type { ResolvedKey } from '../keys/key-resolver.ts'
import type { KmsScope } from '../kms-operation.ts'
import { assertAlgorithm } from './key-algorithms.ts'

/** How a request wants a plaintext encrypted or a ciphertext opened. */
export interface EncryptionChoice {
  readonly algorithm: EncryptionAlgorithm
  readonly context: EncryptionContext | undefined
}

/** A ciphertext; the key material is named only where a ciphertext itself names it: symmetric keys. */
export interface Closed {
  readonly ciphertext: Uint8Array
  readonly materialId: string | undefined
}

const isEmpty = (context: EncryptionContext | undefined): boolean =>
  context === undefined || Object.keys(context).length === 0

/**
 * To be asked after the usage: the algorithm, then that there is no context where nothing could bind it.
 * An empty context is none.
 * @throws ServiceError InvalidKeyUsageException, ValidationException
 */
export function assertEncryption(
  { key }: ResolvedKey,
  { algorithm, context }: EncryptionChoice,
): void {
  assertAlgorithm('encryptionAlgorithms', algorithm, key)
  if (algorithm !== 'SYMMETRIC_DEFAULT' && !isEmpty(context)) throw contextNotBound(algorithm)
}

/**
 * What a symmetric key encrypts is limited by the request's shape alone.
 * @throws ServiceError ValidationException for what is too long for the algorithm and the key
 */
export function assertPlaintextFits(
  { key: { spec } }: ResolvedKey,
  algorithm: EncryptionAlgorithm,
  { sizeBytes }: Secret,
): void {
  if (algorithm === 'SYMMETRIC_DEFAULT') return
  assert(isAsymmetricSpec(spec), `${spec} offers ${algorithm}`)
  const bytesMax = plaintextBytesMax(spec, algorithm)
  assert(bytesMax !== undefined, `${spec} encrypts with ${algorithm}`)
  if (sizeBytes > bytesMax) throw plaintextTooLong(algorithm, spec, bytesMax)
}

/**
 * Encrypts what `assertEncryption` and `assertPlaintextFits` have let pass. `plaintext` is borrowed. Not async: with
 * a symmetric key it is the key store's promise.
 */
export function encryptUnder(
  { key }: ResolvedKey,
  { algorithm, context }: EncryptionChoice,
  plaintext: Secret,
  { keystore, records }: KmsScope,
): Promise<Closed> {
  if (algorithm === 'SYMMETRIC_DEFAULT') {
    return keystore.encrypt(records, key, plaintext, context ?? {})
  }
  return keystore
    .encryptAsymmetric(records, key, algorithm, plaintext)
    .then((ciphertext) => ({ ciphertext, materialId: undefined }))
}
