import { ServiceError } from '../../core/errors.ts'

/**
 * The refusals of STS. Their texts are contract: clients match parts of them.
 * Source: AWS STS API Reference; AWS IAM User Guide, Troubleshoot session tags; replies of AWS STS as clients
 * report them, where not said otherwise.
 */

const accessDenied = (message: string): ServiceError =>
  new ServiceError('AccessDeniedException', message)

const validationError = (message: string): ServiceError =>
  new ServiceError('ValidationException', message)

export const invalidArn = (arn: string): ServiceError => validationError(`${arn} is invalid`)

export const rootAssumes = (): ServiceError =>
  accessDenied('Roles may not be assumed by root accounts.')

export const notAuthorized = (caller: string, action: string, resource: string): ServiceError =>
  accessDenied(`User: ${caller} is not authorized to perform: ${action} on resource: ${resource}`)

export const sessionCalls = (operation: string): ServiceError =>
  accessDenied(`Cannot call ${operation} with session credentials`)

/** There are no devices here: nothing that a client sends can be one's code. */
export const mfaInvalid = (): ServiceError =>
  accessDenied(
    'MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.',
  )

export const beyondRole = (): ServiceError =>
  validationError('The requested DurationSeconds exceeds the MaxSessionDuration set for this role.')

export const beyondChain = (): ServiceError =>
  validationError(
    'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.',
  )

export const malformedPolicy = (problem: string): ServiceError =>
  new ServiceError('MalformedPolicyDocumentException', problem)

export const packedTooLarge = (percent: number, hasPolicy: boolean): ServiceError =>
  new ServiceError(
    'PackedPolicyTooLargeException',
    hasPolicy
      ? `Packed policy consumes ${percent}% of allotted space, please use smaller policy.`
      : `Packed size of session tags consumes ${percent}% of allotted space.`,
  )

/** Our wording. */
export const tooManyPolicies = (limit: number): ServiceError =>
  validationError(
    `1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to ${limit}`,
  )

export const duplicateTags = (): ServiceError =>
  validationError('Duplicate tag keys found. Please note that Tag keys are case insensitive.')

export const reservedTag = (): ServiceError =>
  validationError('aws: prefixed tag key names are not allowed for external use.')

export const transitiveNotPassed = (): ServiceError =>
  validationError('The specified transitive tag key must be included in the requested tags.')

export const transitiveTaken = (): ServiceError =>
  validationError(
    "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
  )

/** Our wording. */
export const contextsUnsupported = (): ServiceError =>
  validationError('ProvidedContexts are not supported')

export const providerIdUnsupported = (): ServiceError =>
  validationError('ProviderId is not allowed for OpenID Connect ID tokens')

export const accessKeyUnknown = (): ServiceError =>
  validationError('The specified access key ID is not valid')

export const messageInvalid = (): ServiceError =>
  new ServiceError('InvalidAuthorizationMessageException', 'Message is not valid')
