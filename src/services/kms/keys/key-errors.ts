import { ServiceError } from '../../../core/errors.ts'

/**
 * The refusals that name a key or an alias. Their texts are contract: clients match parts of them.
 * Source: recorded from AWS KMS and its Developer Guide, where not said otherwise.
 */

/** A key id of valid form that names nothing in the caller's account and Region. */
export const keyNotFound = (arn: string): ServiceError =>
  new ServiceError('NotFoundException', `Key '${arn}' does not exist`)

/** Text that is no identifier of a kind the operation accepts. */
export const invalidKeyId = (given: string): ServiceError =>
  new ServiceError('NotFoundException', `Invalid keyId '${given}'`)

/** An ARN of another Region than the endpoint's. */
export const foreignRegion = (region: string): ServiceError =>
  new ServiceError('NotFoundException', `Invalid arn ${region}`)

/** Text that begins as an ARN and is none of a key or an alias. Our wording. */
export const malformedArn = (given: string): ServiceError =>
  new ServiceError('InvalidArnException', `Invalid arn '${given}'`)

export const aliasNotFound = (arn: string): ServiceError =>
  new ServiceError('NotFoundException', `Alias ${arn} is not found.`)

export const aliasTaken = (arn: string): ServiceError =>
  new ServiceError('AlreadyExistsException', `An alias with the name ${arn} already exists`)

const invalidState = (arn: string, ending: string): ServiceError =>
  new ServiceError('KMSInvalidStateException', `${arn} is ${ending}.`)

export const keyDisabled = (arn: string): ServiceError =>
  new ServiceError('DisabledException', `${arn} is disabled.`)

export const keyPendingDeletion = (arn: string): ServiceError =>
  invalidState(arn, 'pending deletion')

/** A primary that was scheduled for deletion while it has replicas. */
export const keyPendingReplicaDeletion = (arn: string): ServiceError =>
  invalidState(arn, 'pending replica deletion')

export const keyNotPendingDeletion = (arn: string): ServiceError =>
  invalidState(arn, 'not pending deletion')

export const keyPendingImport = (arn: string): ServiceError => invalidState(arn, 'pending import')

/** A key of a custom key store that is not connected. */
export const keyUnavailable = (arn: string): ServiceError => invalidState(arn, 'unavailable')

export const keyCreating = (arn: string): ServiceError => invalidState(arn, 'creating')

export const keyUpdating = (arn: string): ServiceError => invalidState(arn, 'updating')

/** There are no CloudHSM clusters here. Our wording. */
export const cloudHsmClusterNotFound = (clusterId: string | undefined): ServiceError =>
  new ServiceError(
    'CloudHsmClusterNotFoundException',
    `There is no AWS CloudHSM cluster ${clusterId ?? ''}.`,
  )

/** ReplicateKey, UpdatePrimaryRegion: a replica, or a single-Region key. */
export const notMultiRegionPrimary = (arn: string): ServiceError =>
  new ServiceError('UnsupportedOperationException', `${arn} is not a multi-region primary key.`)

/** An operation on imported material of a key whose material is not imported. */
export const wrongOrigin = (arn: string, origin: string): ServiceError =>
  new ServiceError(
    'UnsupportedOperationException',
    `${arn} origin is ${origin} which is not valid for this operation.`,
  )

export const wrongUsage = (arn: string, usage: string, operation: string): ServiceError =>
  new ServiceError(
    'InvalidKeyUsageException',
    `${arn} key usage is ${usage} which is not valid for ${operation}.`,
  )

export const wrongAlgorithm = (algorithm: string, spec: string): ServiceError =>
  new ServiceError(
    'InvalidKeyUsageException',
    `Algorithm ${algorithm} is incompatible with key spec ${spec}.`,
  )

/** The named key is not the one that made the ciphertext. Decided from the ids, before any decryption. */
export const incorrectKey = (): ServiceError =>
  new ServiceError(
    'IncorrectKeyException',
    'The key ID in the request does not identify a CMK that can perform this operation.',
  )

/** The one answer to everything that can be wrong with a ciphertext or its context. It has no message. */
export const invalidCiphertext = (): ServiceError => new ServiceError('InvalidCiphertextException')

export const validationError = (message: string): ServiceError =>
  new ServiceError('ValidationException', message)

/** Our wording. `member` is the one that names the spec. */
export const specNotInRegion = (member: string, spec: string): ServiceError =>
  new ServiceError(
    'UnsupportedOperationException',
    `${member} ${spec} is not supported in this Region.`,
  )

/** Source: recorded from AWS KMS. Unit of `bytesMax`: bytes. */
export const plaintextTooLong = (algorithm: string, spec: string, bytesMax: number): ServiceError =>
  validationError(
    `Algorithm ${algorithm} and key spec ${spec} cannot encrypt data larger than ${bytesMax} bytes.`,
  )

/** Our wording. */
export const contextNotBound = (algorithm: string): ServiceError =>
  validationError(
    `Algorithm ${algorithm} does not support an encryption context. EncryptionContext is valid only with symmetric encryption KMS keys.`,
  )

/** Our wording. */
export const wrongMessageType = (messageType: string, algorithm: string): ServiceError =>
  validationError(`MessageType ${messageType} is not valid for algorithm ${algorithm}.`)

/** Source: recorded from AWS KMS. */
export const wrongDigestLength = (algorithm: string): ServiceError =>
  validationError(`Digest is invalid length for algorithm ${algorithm}.`)

/** It has no message. Source: recorded from AWS KMS. */
export const invalidSignature = (): ServiceError => new ServiceError('KMSInvalidSignatureException')

/** It has no message. Source: recorded from AWS KMS. */
export const invalidMac = (): ServiceError => new ServiceError('KMSInvalidMacException')

/** A peer's public key that is none, or one of another curve. It has no message. Source: recorded from AWS KMS. */
export const invalidPublicKey = (): ServiceError => new ServiceError('ValidationException')
