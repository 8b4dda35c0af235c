import type { COMMON_ERROR_CODES } from '../../core/errors.ts'
import { readOnly } from './refusals.ts'

type CommonCode = (typeof COMMON_ERROR_CODES)[number]

/** What S3 calls an error of the front end. */
export interface FrontEndError {
  readonly code: string
  readonly httpStatus: number
  /** In place of the text that other services have. */
  readonly message?: string
}

/** **Source:** Amazon S3 API Reference, Error responses. */
const FRONT_END: Readonly<Record<CommonCode, FrontEndError>> = {
  AccessDeniedException: { code: 'AccessDenied', httpStatus: 403 },
  ExpiredTokenException: {
    code: 'ExpiredToken',
    httpStatus: 400,
    message: 'The provided token has expired.',
  },
  IncompleteSignatureException: { code: 'AuthorizationHeaderMalformed', httpStatus: 400 },
  InternalFailure: {
    code: 'InternalError',
    httpStatus: 500,
    message: 'We encountered an internal error. Please try again.',
  },
  InvalidSignatureException: { code: 'SignatureDoesNotMatch', httpStatus: 403 },
  MissingAuthenticationTokenException: {
    code: 'AccessDenied',
    httpStatus: 403,
    message: 'Access Denied',
  },
  NotAuthorizedException: { code: 'AccessDenied', httpStatus: 403 },
  RequestEntityTooLargeException: { code: 'EntityTooLarge', httpStatus: 400 },
  SerializationException: { code: 'InvalidArgument', httpStatus: 400 },
  ServiceUnavailableException: { code: 'ServiceUnavailable', httpStatus: 503 },
  ThrottlingException: { code: 'SlowDown', httpStatus: 503 },
  UnknownOperationException: { code: 'MethodNotAllowed', httpStatus: 405 },
  UnrecognizedClientException: {
    code: 'InvalidAccessKeyId',
    httpStatus: 403,
    message: 'The AWS Access Key Id you provided does not exist in our records.',
  },
  ValidationException: { code: 'InvalidArgument', httpStatus: 400 },
}

const BY_CODE: ReadonlyMap<string, FrontEndError> = new Map(Object.entries(FRONT_END))

/** What S3 calls it; undefined for an error of S3's own, which keeps its name. */
export const frontEndErrorOf = (code: string): FrontEndError | undefined => BY_CODE.get(code)

/** What is said of requests that are for no operation at all. */
const OWN_TEXTS: ReadonlyMap<string, string | undefined> = new Map([
  ['MethodNotAllowed', readOnly().publicMessage],
  [
    'NotImplemented',
    'A header or query parameter you provided implies functionality that is not implemented.',
  ],
])

/** The text of an error that has none of its own. */
export const ownTextOf = (code: string): string | undefined => OWN_TEXTS.get(code)
