import { ServiceError } from '../../core/errors.ts'

/**
 * What AssumeRoleWithWebIdentity says of a token that it does not take.
 * Source: AWS STS API Reference, AssumeRoleWithWebIdentity; texts as clients report them, and ours where none is known.
 */

const invalid = (message: string, cause?: Error): ServiceError =>
  new ServiceError('InvalidIdentityTokenException', message, { cause })

/** As much of a token's issuer as is repeated. */
const ISSUER_CHARS_MAX = 255

export const notAJwt = (): ServiceError =>
  invalid(
    'The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)',
  )

export const noProvider = (issuer: string): ServiceError =>
  invalid(
    `No OpenIDConnect provider found in your account for ${issuer.slice(0, ISSUER_CHARS_MAX)}`,
  )

/** Signature, algorithm or form: which of them it is does not help who is honest. */
export const invalidToken = (): ServiceError =>
  invalid('The web identity token that was passed could not be validated')

export const noVerificationKey = (cause?: Error): ServiceError =>
  invalid(
    "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements",
    cause,
  )

export const wrongAudience = (): ServiceError => invalid('Incorrect token audience')

export const missingClaim = (name: string): ServiceError =>
  invalid(`Missing a required claim: ${name}`)

export const tokenNotYetValid = (): ServiceError => invalid('The token is not valid yet')

/** Times in seconds since the Unix epoch. */
export const tokenPast = (now: number, expires: number): ServiceError =>
  new ServiceError(
    'ExpiredIdentityTokenException',
    `Token expired: current date/time ${now} must be before the expiration date/time ${expires}`,
  )

export const providerUnreachable = (cause: Error): ServiceError =>
  new ServiceError(
    'IDPCommunicationErrorException',
    'The identity provider could not be reached to verify the token',
    { cause },
  )
