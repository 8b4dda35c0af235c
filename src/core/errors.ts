import type { ModelledErrorCode } from './error-codes.ts'

/**
 * Codes that AWS's front end answers for any service; they are in no service model.
 * Source: AWS KMS API Reference, Common Errors.
 */
export const COMMON_ERROR_CODES = [
  'AccessDeniedException',
  'ExpiredTokenException',
  'IncompleteSignatureException',
  'InternalFailure',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'NotAuthorizedException',
  'RequestEntityTooLargeException',
  'SerializationException',
  'ServiceUnavailableException',
  'ThrottlingException',
  'UnknownOperationException',
  'UnrecognizedClientException',
  'ValidationException',
] as const

/** Every code a client may see; closed, and generated from the service models. */
export type ErrorCode = ModelledErrorCode | (typeof COMMON_ERROR_CODES)[number]

/** An expected failure: code and message go to the client verbatim, `cause` never does. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  readonly code: ErrorCode
  /** What the client reads; absent where AWS sends no message member at all. */
  readonly publicMessage: string | undefined

  constructor(code: ErrorCode, publicMessage?: string, options?: ErrorOptions) {
    super(publicMessage ?? code, options)
    this.code = code
    this.publicMessage = publicMessage
  }
}

/**
 * A failure of something we depend on: disk, database, seal. The pipeline maps it to the code that
 * the AWS model allows; `message` and `cause` are for the operator's log alone.
 */
export class DependencyError extends Error {
  override readonly name: string = 'DependencyError'
}

/** The store holds something other than what was expected: an insert that exists, a version that moved. */
export class ConflictError extends DependencyError {
  override readonly name = 'ConflictError'
}

/** A stored record or a log that was changed behind our back, or damaged. It is refused, not obeyed. */
export class IntegrityError extends DependencyError {
  override readonly name = 'IntegrityError'
}

/** A mistake of the person at the command line: shown as one plain line, exit code 1. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError'
  /** What to do about it, when that is known. */
  readonly hint: string | undefined

  constructor(message: string, hint?: string, options?: ErrorOptions) {
    super(message, options)
    this.hint = hint
  }
}
