import { MODELLED_ERRORS, type ModelledError } from '../core/error-codes.ts'
import type { COMMON_ERROR_CODES, ErrorCode } from '../core/errors.ts'

/** A failure as a Query service puts it on the wire. */
export interface QueryError {
  readonly code: string
  readonly httpStatus: number
  /** Who is to blame. */
  readonly type: 'Sender' | 'Receiver'
}

/**
 * What front end errors are called in the Query protocol.
 * **Source:** AWS STS API Reference, Common Errors; recorded replies of STS.
 */
const QUERY_CODES: Readonly<
  Record<(typeof COMMON_ERROR_CODES)[number], readonly [code: string, httpStatus: number]>
> = {
  AccessDeniedException: ['AccessDenied', 403],
  ExpiredTokenException: ['ExpiredToken', 403],
  IncompleteSignatureException: ['IncompleteSignature', 400],
  InternalFailure: ['InternalFailure', 500],
  InvalidSignatureException: ['SignatureDoesNotMatch', 403],
  MissingAuthenticationTokenException: ['MissingAuthenticationToken', 403],
  NotAuthorizedException: ['NotAuthorized', 400],
  RequestEntityTooLargeException: ['RequestEntityTooLarge', 413],
  SerializationException: ['MalformedInput', 400],
  ServiceUnavailableException: ['ServiceUnavailable', 503],
  ThrottlingException: ['Throttling', 400],
  UnknownOperationException: ['InvalidAction', 400],
  UnrecognizedClientException: ['InvalidClientTokenId', 403],
  ValidationException: ['ValidationError', 400],
}

const COMMON: ReadonlyMap<string, readonly [code: string, httpStatus: number]> = new Map(
  Object.entries(QUERY_CODES),
)
const MODELLED: ReadonlyMap<string, ModelledError> = new Map(Object.entries(MODELLED_ERRORS))

/** The Query code and status of a code; one that no Query service has keeps its name. */
export function queryErrorOf(code: ErrorCode): QueryError {
  const modelled = MODELLED.get(code)
  const [queryCode, httpStatus] = COMMON.get(code) ??
    modelled?.query ?? [code, modelled?.httpStatus ?? 400]
  return { code: queryCode, httpStatus, type: httpStatus >= 500 ? 'Receiver' : 'Sender' }
}
