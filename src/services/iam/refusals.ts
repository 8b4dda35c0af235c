import { ServiceError } from '../../core/errors.ts'

/**
 * The refusals of IAM. Their texts are contract: clients match parts of them.
 * Source: replies of AWS IAM as clients report them, where not said otherwise.
 */

const noSuchEntity = (message: string): ServiceError =>
  new ServiceError('NoSuchEntityException', message)

const alreadyExists = (message: string): ServiceError =>
  new ServiceError('EntityAlreadyExistsException', message)

const deleteConflict = (message: string): ServiceError =>
  new ServiceError('DeleteConflictException', message)

export const invalidInput = (message: string): ServiceError =>
  new ServiceError('InvalidInputException', message)

export const validationError = (message: string): ServiceError =>
  new ServiceError('ValidationException', message)

export const malformedPolicy = (message: string): ServiceError =>
  new ServiceError('MalformedPolicyDocumentException', message)

export const invalidMarker = (): ServiceError => validationError('Invalid Marker.')

export const userNotFound = (name: string): ServiceError =>
  noSuchEntity(`The user with name ${name} cannot be found.`)
export const groupNotFound = (name: string): ServiceError =>
  noSuchEntity(`The group with name ${name} cannot be found.`)
export const roleNotFound = (name: string): ServiceError =>
  noSuchEntity(`The role with name ${name} cannot be found.`)
export const profileNotFound = (name: string): ServiceError =>
  noSuchEntity(`Instance Profile ${name} cannot be found.`)
export const policyNotFound = (arn: string): ServiceError =>
  noSuchEntity(`Policy ${arn} was not found.`)
export const policyNotAttachable = (arn: string): ServiceError =>
  noSuchEntity(`Policy ${arn} does not exist or is not attachable.`)
export const versionNotFound = (arn: string, versionId: string): ServiceError =>
  noSuchEntity(`Policy ${arn} version ${versionId} does not exist or is not attachable.`)
export const boundaryNotFound = (arn: string): ServiceError =>
  noSuchEntity(`Scope ARN: ${arn} does not exist or is not attachable.`)
export const providerNotFound = (arn: string): ServiceError =>
  noSuchEntity(`OpenIDConnect Provider not found for arn ${arn}`)
export const accessKeyNotFound = (accessKeyId: string): ServiceError =>
  noSuchEntity(`The Access Key with id ${accessKeyId} cannot be found.`)
export const inlinePolicyNotFound = (holder: string, name: string): ServiceError =>
  noSuchEntity(`The ${holder} policy with name ${name} cannot be found.`)
export const aliasNotFound = (alias: string): ServiceError =>
  noSuchEntity(`The account alias with name ${alias} cannot be found.`)
export const loginProfileNotFound = (user: string): ServiceError =>
  noSuchEntity(`Login Profile for User ${user} cannot be found.`)
export const passwordPolicyNotFound = (accountId: string): ServiceError =>
  noSuchEntity(`The Password Policy with domain name ${accountId} cannot be found.`)
/** Of what is not kept here: keys for SSH, certificates, second factors. Our wording. */
export const credentialNotFound = (what: string, id: string): ServiceError =>
  noSuchEntity(`The ${what} with id ${id} cannot be found.`)

export const nameTaken = (kind: 'User' | 'Group' | 'Role', name: string): ServiceError =>
  alreadyExists(`${kind} with name ${name} already exists.`)
export const policyTaken = (name: string): ServiceError =>
  alreadyExists(`A policy called ${name} already exists. Duplicate names are not allowed.`)
export const profileTaken = (name: string): ServiceError =>
  alreadyExists(`Instance Profile ${name} already exists.`)
export const providerTaken = (url: string): ServiceError =>
  alreadyExists(`Provider with url ${url} already exists.`)
export const aliasTaken = (alias: string): ServiceError =>
  alreadyExists(`The account alias ${alias} already exists.`)

export const hasAccessKeys = (): ServiceError =>
  deleteConflict('Cannot delete entity, must delete access keys first.')
export const hasAttachedPolicies = (): ServiceError =>
  deleteConflict('Cannot delete entity, must detach all policies first.')
export const hasInlinePolicies = (): ServiceError =>
  deleteConflict('Cannot delete entity, must delete policies first.')
export const hasMembers = (): ServiceError =>
  deleteConflict('Cannot delete entity, must remove users from group first.')
export const isInProfiles = (): ServiceError =>
  deleteConflict('Cannot delete entity, must remove roles from instance profile first.')
export const isAttached = (): ServiceError =>
  deleteConflict('Cannot delete a policy attached to entities.')
export const hasVersions = (): ServiceError =>
  deleteConflict(
    "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
  )
export const isDefaultVersion = (): ServiceError =>
  deleteConflict('Cannot delete the default version of a policy.')

/** @param quota as AWS calls it: `UsersPerAccount` */
export const quotaExceeded = (quota: string, limit: number): ServiceError =>
  new ServiceError('LimitExceededException', `Cannot exceed quota for ${quota}: ${limit}`)
export const tooManyVersions = (limit: number): ServiceError =>
  new ServiceError(
    'LimitExceededException',
    `A managed policy can have up to ${limit} versions. Before you create a new version, you must delete an existing version.`,
  )
export const inlinePoliciesTooLong = (holder: string, name: string, limit: number): ServiceError =>
  new ServiceError(
    'LimitExceededException',
    `Maximum policy size of ${limit} bytes exceeded for ${holder} ${name}`,
  )

/** A caller who is no user, in an operation that is about the caller where no user is named. */
export const mustNameUser = (): ServiceError =>
  validationError('Must specify userName when calling with non-User credentials')
