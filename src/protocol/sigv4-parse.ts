import type { HttpRequest } from '../core/transport.ts'
import { parseCanonicalQuery, type QueryParameter } from './sigv4-canonical.ts'
import {
  badExpires,
  EXPIRES_NEGATIVE,
  EXPIRES_NOT_A_NUMBER,
  EXPIRES_TOO_LARGE,
  EXPIRES_ZERO,
  headerPartRepeated,
  headerPartsMissing,
  headerRepeated,
  missingToken,
  notAPair,
  queryPartRepeated,
  queryPartsMissing,
  twoForms,
} from './sigv4-errors.ts'

/** The parts of a signature as a request presents them. None is understood yet, all are there. */
export interface PresentedSignature {
  readonly form: 'header' | 'query'
  readonly algorithm: string
  readonly credential: string
  /** Names joined with semicolons. */
  readonly signedHeaders: string
  readonly signature: string
  readonly timestamp: string
  /** Present in presigned queries that say so; 1..604800. */
  readonly expiresSeconds: number | undefined
  readonly sessionToken: string | undefined
  /** All parameters of the target's query in canonical encoding and order. */
  readonly query: readonly QueryParameter[]
}

/** A week. **Source:** Amazon S3 API Reference, Authenticating requests: using query parameters. */
const EXPIRES_SECONDS_MAX = 604_800
const NO_PARAMETERS: readonly QueryParameter[] = []

/**
 * Finds the one signature of a request.
 * @throws {ServiceError} MissingAuthenticationTokenException, IncompleteSignatureException,
 * InvalidSignatureException where there are two
 */
export function readSignature(request: HttpRequest): PresentedSignature {
  const { target } = request
  const authorization = onlyHeader(request, 'authorization')
  const mark = target.indexOf('?')
  const query = mark === -1 ? NO_PARAMETERS : parseCanonicalQuery(target.slice(mark + 1))
  const isPresigned = query.some(
    ({ name }) => name === 'X-Amz-Algorithm' || name === 'X-Amz-Signature',
  )
  if (authorization === undefined) {
    if (isPresigned) return readPresigned(query)
    throw missingToken()
  }
  if (isPresigned) throw twoForms()
  if (!authorization.trimStart().startsWith('AWS4-')) throw missingToken()
  return readAuthorization(request, authorization, query)
}

/** The value of a header that may be sent once only. Asks the raw headers: they hide no duplicate. */
function onlyHeader({ rawHeaders }: HttpRequest, lowerCaseName: string): string | undefined {
  let found: string | undefined
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]
    if (name?.length !== lowerCaseName.length || name.toLowerCase() !== lowerCaseName) continue
    if (found !== undefined) throw headerRepeated(lowerCaseName)
    found = rawHeaders[at + 1]
  }
  return found
}

function readAuthorization(
  request: HttpRequest,
  authorization: string,
  query: readonly QueryParameter[],
): PresentedSignature {
  const text = authorization.trim()
  const space = text.indexOf(' ')
  const parts = authorizationParts(space === -1 ? '' : text.slice(space + 1), text)
  const timestamp = onlyHeader(request, 'x-amz-date') ?? onlyHeader(request, 'date')
  const { credential, signature, signedHeaders } = parts
  if (!credential || !signature || signedHeaders === undefined || !timestamp) {
    const missing: string[] = []
    if (!credential) missing.push('Credential')
    if (!signature) missing.push('Signature')
    if (signedHeaders === undefined) missing.push('SignedHeaders')
    throw headerPartsMissing(missing, !timestamp, text)
  }
  return {
    form: 'header',
    algorithm: space === -1 ? text : text.slice(0, space),
    credential,
    signedHeaders,
    signature,
    timestamp,
    expiresSeconds: undefined,
    sessionToken: onlyHeader(request, 'x-amz-security-token'),
    query,
  }
}

interface AuthorizationParts {
  credential: string | undefined
  signature: string | undefined
  signedHeaders: string | undefined
}

/** `list` is what follows the algorithm: pairs joined with commas. Unknown ones are AWS's future. */
function authorizationParts(list: string, authorization: string): AuthorizationParts {
  const parts: AuthorizationParts = {
    credential: undefined,
    signature: undefined,
    signedHeaders: undefined,
  }
  for (let start = 0; start < list.length; ) {
    const comma = list.indexOf(',', start)
    const end = comma === -1 ? list.length : comma
    const part = list.slice(start, end).trim()
    start = end + 1
    if (part === '') continue
    const equals = part.indexOf('=')
    if (equals === -1) throw notAPair(part, authorization)
    const name = memberOf(part.slice(0, equals))
    if (name === undefined) continue
    if (parts[name] !== undefined) throw headerPartRepeated(part.slice(0, equals), authorization)
    parts[name] = part.slice(equals + 1)
  }
  return parts
}

function memberOf(parameter: string): keyof AuthorizationParts | undefined {
  switch (parameter) {
    case 'Credential':
      return 'credential'
    case 'Signature':
      return 'signature'
    case 'SignedHeaders':
      return 'signedHeaders'
    default:
      return undefined
  }
}

/** In the order in which they are missed. */
const QUERY_PARTS = [
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Signature',
  'X-Amz-SignedHeaders',
  'X-Amz-Date',
] as const
const SIGNING_PARAMETERS: ReadonlySet<string> = new Set([
  ...QUERY_PARTS,
  'X-Amz-Expires',
  'X-Amz-Security-Token',
])

function readPresigned(query: readonly QueryParameter[]): PresentedSignature {
  const values = new Map<string, string>()
  for (const { name, value } of query) {
    if (!SIGNING_PARAMETERS.has(name)) continue
    if (values.has(name)) throw queryPartRepeated(name)
    values.set(name, decodeCanonical(value))
  }
  const missing = QUERY_PARTS.filter((name) => !values.get(name))
  if (missing.length > 0) throw queryPartsMissing(missing)
  return {
    form: 'query',
    algorithm: values.get('X-Amz-Algorithm') ?? '',
    credential: values.get('X-Amz-Credential') ?? '',
    signedHeaders: values.get('X-Amz-SignedHeaders') ?? '',
    signature: values.get('X-Amz-Signature') ?? '',
    timestamp: values.get('X-Amz-Date') ?? '',
    expiresSeconds: parseExpires(values.get('X-Amz-Expires')),
    sessionToken: values.get('X-Amz-Security-Token'),
    query,
  }
}

/** Undoes canonical encoding, whose escapes are all well-formed; one character for each byte. */
export const decodeCanonical = (value: string): string =>
  value.includes('%')
    ? value.replace(/%([0-9A-F]{2})/g, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      )
    : value

function parseExpires(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^-?\d{1,15}$/.test(text)) throw badExpires(EXPIRES_NOT_A_NUMBER)
  const seconds = Number(text)
  if (seconds < 0) throw badExpires(EXPIRES_NEGATIVE)
  if (seconds === 0) throw badExpires(EXPIRES_ZERO)
  if (seconds > EXPIRES_SECONDS_MAX) throw badExpires(EXPIRES_TOO_LARGE)
  return seconds
}

/** Who a request claims to come from. Nothing of it is verified. */
export interface CredentialScope {
  readonly accessKeyId: string
  readonly service: string
  /** Absent in SigV4a, which signs for several Regions. */
  readonly region: string | undefined
}

/**
 * Peeks at the credential scope of a request, for routing and for the record of a refusal. Never
 * throws; undefined when there is nothing of the form.
 */
export function credentialScopeOf(request: HttpRequest): CredentialScope | undefined {
  const credential = peekCredential(request)
  if (credential === undefined || credential.length > CREDENTIAL_LENGTH_MAX) return undefined
  const parts = credential.split('/')
  const [accessKeyId = '', , third = '', fourth = ''] = parts
  if (parts.length === 5) return { accessKeyId, region: third, service: fourth }
  if (parts.length === 4) return { accessKeyId, region: undefined, service: third }
  return undefined
}

const CREDENTIAL_LENGTH_MAX = 512

function peekCredential({ headers, target }: HttpRequest): string | undefined {
  const authorization = headers['authorization']
  if (authorization !== undefined) {
    const start = authorization.indexOf('Credential=')
    if (start === -1) return undefined
    const comma = authorization.indexOf(',', start)
    return authorization
      .slice(start + 'Credential='.length, comma === -1 ? undefined : comma)
      .trimEnd()
  }
  const mark = target.indexOf('?')
  if (mark === -1 || !target.includes('X-Amz-', mark)) return undefined
  const parameter = parseCanonicalQuery(target.slice(mark + 1)).find(
    ({ name }) => name === 'X-Amz-Credential',
  )
  return parameter && decodeCanonical(parameter.value)
}
