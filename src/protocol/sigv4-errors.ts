import { ServiceError } from '../core/errors.ts'

/**
 * What a front end answers to a request that proves nothing. Codes are those of JSON services;
 * `query-errors.ts` translates them.
 *
 * **Source:** AWS IAM User Guide, Troubleshoot Signature Version 4 signed requests; replies of
 * DynamoDB's front end as recorded by the project dynalite.
 */

const incomplete = (message: string): ServiceError =>
  new ServiceError('IncompleteSignatureException', message)

const invalid = (message: string): ServiceError =>
  new ServiceError('InvalidSignatureException', message)

/** Neither an Authorization header of AWS's kind nor a presigned query. */
export const missingToken = (): ServiceError =>
  new ServiceError('MissingAuthenticationTokenException', 'Request is missing Authentication Token')

/** Two signatures leave open which of them is meant. */
export const twoForms = (): ServiceError =>
  invalid(
    "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
  )

/** `missing` lists parameters of the header; its date is missed by name `undefined`. */
export function headerPartsMissing(
  missing: readonly string[],
  dateMissing: boolean,
  authorization: string,
): ServiceError {
  const sentences = missing.map((part) => `Authorization header requires '${part}' parameter. `)
  if (dateMissing) {
    sentences.push(
      "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
    )
  }
  return incomplete(`${sentences.join('')}Authorization=${authorization}`)
}

/** A part of the Authorization header that is no pair. */
export const notAPair = (part: string, authorization: string): ServiceError =>
  incomplete(
    `'${part}' not a valid key=value pair (missing equal-sign) in Authorization header: '${authorization}'.`,
  )

/** A parameter of the Authorization header came twice. The text is ours. */
export const headerPartRepeated = (part: string, authorization: string): ServiceError =>
  incomplete(
    `Authorization header must not repeat '${part}' parameter. Authorization=${authorization}`,
  )

export const queryPartsMissing = (missing: readonly string[]): ServiceError =>
  incomplete(
    missing.map((name) => `AWS query-string parameters must include '${name}'. `).join('') +
      'Re-examine the query-string parameters.',
  )

/** A signing parameter came twice. The first half of the text is ours. */
export const queryPartRepeated = (name: string): ServiceError =>
  incomplete(
    `AWS query-string parameters must not repeat '${name}'. Re-examine the query-string parameters.`,
  )

/** **Source:** the texts that Amazon S3 answers to such a query. */
export const EXPIRES_NOT_A_NUMBER = 'X-Amz-Expires should be a number'
export const EXPIRES_NEGATIVE = 'X-Amz-Expires must be non-negative'
export const EXPIRES_TOO_LARGE =
  'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds'

/** The text is ours. */
export const EXPIRES_ZERO = 'X-Amz-Expires must be at least 1 second'

export const badExpires = (message: string): ServiceError => incomplete(message)

export const badDate = (text: string): ServiceError =>
  incomplete(
    `Date must be in ISO-8601 'basic format'. Got '${text}'. See http://en.wikipedia.org/wiki/ISO_8601`,
  )

/** All times in basic ISO 8601; `window` is a number and its unit, such as `5 min.` */
export interface ClockFacts {
  readonly signedAt: string
  readonly limit: string
  readonly now: string
  readonly window: string
}

export const expired = ({ signedAt, limit, now, window }: ClockFacts): ServiceError =>
  invalid(`Signature expired: ${signedAt} is now earlier than ${limit} (${now} - ${window})`)

export const notYetCurrent = ({ signedAt, limit, now, window }: ClockFacts): ServiceError =>
  invalid(
    `Signature not yet current: ${signedAt} is still later than ${limit} (${now} + ${window})`,
  )

export const hostNotSigned = (): ServiceError =>
  invalid("'Host' must be a 'SignedHeader' in the AWS Authorization.")

export const unsupportedAlgorithm = (algorithm: string): ServiceError =>
  incomplete(`Unsupported AWS 'algorithm': '${algorithm}' (only AWS4-HMAC-SHA256 for now). `)

export const badCredentialShape = (credential: string): ServiceError =>
  incomplete(
    `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credential}'`,
  )

export const badRegion = (region: string): string =>
  `Credential should be scoped to a valid region, not '${region}'. `

export const badService = (expected: string): string =>
  `Credential should be scoped to correct service: '${expected}'. `

export const badTerminator = (terminator: string): string =>
  `Credential should be scoped with a valid terminator: 'aws4_request', not '${terminator}'. `

export const badScopeDate = (scopeDate: string, timestamp: string): string =>
  `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${scopeDate}' != '${timestamp.slice(0, 8)}', from '${timestamp}'. `

/** `sentences` are those of the functions above, in their order. */
export const badScope = (sentences: string): ServiceError => invalid(sentences.trimEnd())

/** A header that must be unique was sent several times. The text is ours. */
export const headerRepeated = (name: string): ServiceError =>
  invalid(`The header '${name}' must be sent only once.`)

/** **Source:** the text that Amazon S3 answers, which checks the same; the names are our addition. */
export const headersNotSigned = (names: readonly string[]): ServiceError =>
  invalid(
    `There were headers present in the request which were not signed: '${names.join("', '")}'`,
  )

/** **Source:** the text that Amazon S3 answers. */
export const contentHashDiffers = (): ServiceError =>
  invalid("The provided 'x-amz-content-sha256' header does not match what was computed.")

/**
 * The signature is not the one that the secret makes. AWS appends the canonical string, which
 * helps an attacker to learn what a proxy adds and fills logs with headers: we do not.
 */
export const signatureDiffers = (): ServiceError =>
  invalid(
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
  )

/** The key id is unknown, inactive or of the wrong kind, or its session token is not ours. */
export const unrecognizedClient = (): ServiceError =>
  new ServiceError(
    'UnrecognizedClientException',
    'The security token included in the request is invalid.',
  )

/** The session that the token belongs to has ended. */
export const sessionExpired = (): ServiceError =>
  new ServiceError('ExpiredTokenException', 'The security token included in the request is expired')
