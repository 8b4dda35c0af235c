import { ServiceError } from '../../../core/errors.ts'
import { validationError } from '../keys/key-errors.ts'

/**
 * The refusals of rotation and of imported key material. Source: recorded from AWS KMS, where not said
 * otherwise.
 */

/** A key of a kind that never rotates. It has no message. */
export const neverRotates = (): ServiceError => new ServiceError('UnsupportedOperationException')

export const rotationsUsedUp = (arn: string): ServiceError =>
  new ServiceError(
    'LimitExceededException',
    `The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: ${arn}`,
  )

/** Our wording. */
export const rotationDue = (arn: string): ServiceError =>
  new ServiceError(
    'ConflictException',
    `Automatic rotation of ${arn} is in progress or due within 20 minutes.`,
  )

export const nothingToRotateTo = (arn: string): ServiceError =>
  new ServiceError(
    'KMSInvalidStateException',
    `No available key material pending rotation for the key: ${arn}.`,
  )

export const anotherPending = (
  arn: string,
  ids: { readonly given: string; readonly pending: string },
): ServiceError =>
  new ServiceError(
    'KMSInvalidStateException',
    `New key material (id: ${ids.given}) cannot be imported into KMS key ${arn}, because another key material (id: ${ids.pending}) is pending rotation.`,
  )

/** Our wording. */
export const wrappingNotSupported = (wrapping: string, spec: string): ServiceError =>
  new ServiceError(
    'UnsupportedOperationException',
    `${wrapping} is not supported for importing key material into keys with KeySpec ${spec}.`,
  )

/** It has no message: what a token is not, nobody is told. */
export const invalidImportToken = (): ServiceError =>
  new ServiceError('InvalidImportTokenException')

/** As above. */
export const expiredImportToken = (): ServiceError =>
  new ServiceError('ExpiredImportTokenException')

/** What unwrapped is no material of this key, or not the material that is asked for. It has no message. */
export const incorrectMaterial = (): ServiceError =>
  new ServiceError('IncorrectKeyMaterialException')

/** Our wording. */
export const noSuchMaterial = (arn: string, materialId: string): ServiceError =>
  new ServiceError(
    'NotFoundException',
    `Key material (id: ${materialId}) is not associated with KMS key ${arn}.`,
  )

/** Our wording. */
export const onlySymmetric = (member: string, spec: string): ServiceError =>
  new ServiceError(
    'UnsupportedOperationException',
    `${member} is not supported for keys with KeySpec ${spec}.`,
  )

export const validToMissing = (): ServiceError =>
  validationError('A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES')

/** Our wording. */
export const validToForbidden = (): ServiceError =>
  validationError(
    'A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE',
  )

/** Our wording. */
export const validToOutOfRange = (): ServiceError =>
  validationError('The validTo date must be in the future, at most 365 days from now')

/** Our wording. */
export const materialIdWithNew = (): ServiceError =>
  validationError('KeyMaterialId must not be set if the ImportType is NEW_KEY_MATERIAL')
