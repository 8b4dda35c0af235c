import { hash, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { Region } from '../core/ids.ts'
import { parseRegion } from '../core/regions.ts'
import type { HttpRequest } from '../core/transport.ts'
import { hmacSha256Hex } from './hmac-sha256.ts'
import {
  canonicalPath,
  canonicalQuery,
  canonicalValue,
  type PathStyle,
  planSignedHeaders,
  type SignedHeaderPlan,
} from './sigv4-canonical.ts'
import { assertCurrent, parseBasicIso, type ReadTime } from './sigv4-clock.ts'
import {
  badCredentialShape,
  badRegion,
  badScope,
  badScopeDate,
  badService,
  badTerminator,
  contentHashDiffers,
  headerRepeated,
  headersNotSigned,
  hostNotSigned,
  signatureDiffers,
  unsupportedAlgorithm,
} from './sigv4-errors.ts'
import { decodeCanonical, type PresentedSignature, readSignature } from './sigv4-parse.ts'

/** How one request is to be signed. */
export interface SignatureRules {
  /** The machine's own time in milliseconds, never a moved clock: signatures age in the real world. */
  readonly now: number
  /** The signing name of the service that the request is for: `kms`. */
  readonly service: string
  /** How far the signer's clock may be off, in milliseconds, either way. Default: 5 minutes. */
  readonly maxSkewMs?: number
  /** Default: `normalized`. */
  readonly pathStyle?: PathStyle
  /** Whether a request may leave its body unsigned, as presigned ones of S3 do. Default: no. */
  readonly allowsUnsignedPayload?: boolean
}

/** What a request says about who signed it, in a form that is fit to be verified. Nothing is verified yet. */
export interface Signature {
  readonly form: 'header' | 'query'
  readonly accessKeyId: string
  /** `YYYYMMDD`, the day of `timestamp`. */
  readonly date: string
  /** Basic ISO 8601, inside the window of the rules. */
  readonly timestamp: string
  readonly region: Region
  readonly service: string
  /** `date/region/service/aws4_request` */
  readonly scope: string
  /** Names joined with semicolons, sorted. */
  readonly signedHeaders: string
  /** Not verified by the signature in every form: it must prove itself and fit the access key id. */
  readonly sessionToken: string | undefined
  /** What the client sent: hex of an HMAC, if it is honest. */
  readonly signature: string
  readonly stringToSign: string
  /** Presigned queries with a session token: what was signed when the token was added afterwards. */
  readonly stringToSignWithoutToken: string | undefined
}

const ALGORITHM = 'AWS4-HMAC-SHA256'
const TERMINATOR = 'aws4_request'
/** Of an HMAC-SHA-256 in hex. */
const SIGNATURE_DIGITS = 64
/** **Source:** AWS IAM User Guide, Troubleshoot Signature Version 4, timestamps. */
const SKEW_MS_DEFAULT = 300_000
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
/** Different SignedHeaders lists that are remembered. A client uses one to three. */
const PLANS_MAX = 256
/** Sent twice, these would leave open which of them counts. */
const UNIQUE_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'date',
  'host',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-security-token',
])

/**
 * Reads and checks everything about signatures that needs no secret. It remembers how lists of
 * signed headers are read, and never a request, a signature or a verdict.
 */
export class SignatureParser {
  readonly #plans = new Map<string, SignedHeaderPlan>()
  #lastTimestamp = ''
  #lastTime: number | undefined

  /**
   * Checks in AWS's order: presence, parts, time, signed host, algorithm, scope; then that
   * the headers are sound and the content hash is that of the body.
   * @throws {ServiceError} MissingAuthenticationTokenException, IncompleteSignatureException,
   * InvalidSignatureException. **Source:** see `sigv4-errors.ts`.
   */
  parse(request: HttpRequest, rules: SignatureRules): Signature {
    const presented = readSignature(request)
    const { timestamp, expiresSeconds } = presented
    const leadMaxMs = rules.maxSkewMs ?? SKEW_MS_DEFAULT
    const ageMaxMs = expiresSeconds === undefined ? leadMaxMs : expiresSeconds * 1000
    assertCurrent(timestamp, this.#readTime, { now: rules.now, ageMaxMs, leadMaxMs })
    const plan = this.#planFor(presented.signedHeaders)
    if (!plan.hasHost) throw hostNotSigned()
    if (presented.algorithm !== ALGORITHM) throw unsupportedAlgorithm(presented.algorithm)
    const credential = parseCredential(presented, rules.service)
    // AWS sorts and lower-cases the names itself, so that the signature over another list differs.
    if (!plan.isCanonical) throw signatureDiffers()
    const headers = canonicalHeaders(request, plan, presented.form)
    const payloadHash = payloadHashOf(request, presented, rules.allowsUnsignedPayload === true)
    return buildSignature({ request, rules, presented, credential, headers, payloadHash })
  }

  /** Requests of one second share the work. */
  readonly #readTime: ReadTime = (timestamp) => {
    if (timestamp !== this.#lastTimestamp) {
      this.#lastTime = parseBasicIso(timestamp)
      this.#lastTimestamp = timestamp
    }
    return this.#lastTime
  }

  #planFor(signedHeaders: string): SignedHeaderPlan {
    const known = this.#plans.get(signedHeaders)
    if (known !== undefined) return known
    // A copy: slices would keep the head of the request alive for as long as the plan.
    const copy = Buffer.from(signedHeaders, 'latin1').toString('latin1')
    const plan = planSignedHeaders(copy)
    if (!plan.isCanonical) return plan
    if (this.#plans.size >= PLANS_MAX) this.#plans.clear()
    this.#plans.set(copy, plan)
    return plan
  }
}

/**
 * Whether the holder of `signingKey` made the signature. Takes the same time for every signature
 * of one request, so that none can be guessed piecemeal.
 */
export function verifySignature(signature: Signature, signingKey: KeyObject): boolean {
  const { stringToSign, stringToSignWithoutToken } = signature
  return (
    isHmacOf(stringToSign, signature.signature, signingKey) ||
    (stringToSignWithoutToken !== undefined &&
      isHmacOf(stringToSignWithoutToken, signature.signature, signingKey))
  )
}

/** Used again for each comparison, which nothing interrupts. */
const given = Buffer.alloc(SIGNATURE_DIGITS)
const made = Buffer.alloc(SIGNATURE_DIGITS)

function isHmacOf(text: string, signature: string, signingKey: KeyObject): boolean {
  made.write(hmacSha256Hex(signingKey, text), 'latin1')
  if (signature.length !== SIGNATURE_DIGITS) return false
  given.write(signature, 'latin1')
  return timingSafeEqual(given, made)
}

interface Credential {
  readonly accessKeyId: string
  readonly date: string
  readonly region: Region
  readonly scope: string
}

function parseCredential(presented: PresentedSignature, service: string): Credential {
  const { credential, timestamp } = presented
  const parts = credential.split('/')
  const [accessKeyId = '', date = '', regionName = '', serviceName = '', terminator = ''] = parts
  if (parts.length !== 5) throw badCredentialShape(credential)
  const region = parseRegion(regionName)
  let failures = ''
  if (region === undefined) failures += badRegion(regionName)
  if (serviceName !== service) failures += badService(service)
  if (terminator !== TERMINATOR) failures += badTerminator(terminator)
  if (!timestamp.startsWith(date) || date.length !== 8) failures += badScopeDate(date, timestamp)
  if (region === undefined || failures !== '') throw badScope(failures)
  return { accessKeyId, date, region, scope: credential.slice(accessKeyId.length + 1) }
}

/** The canonical header lines. @throws {ServiceError} InvalidSignatureException */
function canonicalHeaders(
  { rawHeaders }: HttpRequest,
  plan: SignedHeaderPlan,
  form: 'header' | 'query',
): string {
  const values = plan.blanks.slice()
  let unsigned: string[] | undefined
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase()
    const position = plan.positions.get(name)
    if (position === undefined) {
      if (mustBeSigned(name, form)) (unsigned ??= []).push(name)
      continue
    }
    const value = canonicalValue(rawHeaders[at + 1] ?? '')
    const before = values[position]
    if (before !== undefined && UNIQUE_HEADERS.has(name)) throw headerRepeated(name)
    values[position] = before === undefined ? value : `${before},${value}`
  }
  if (unsigned !== undefined) throw headersNotSigned(unsigned)
  let lines = ''
  for (let position = 0; position < values.length; position++) {
    const value = values[position]
    // A header that is listed and was not sent cannot have been signed with the value it has now.
    if (value === undefined) throw signatureDiffers()
    lines += `${plan.names[position]}:${value}\n`
  }
  return lines
}

/** A session token may join a signed request later; in a query it has its own parameter. */
const mustBeSigned = (name: string, form: 'header' | 'query'): boolean =>
  name.startsWith('x-amz-') && (name !== 'x-amz-security-token' || form === 'query')

/** Signed in place of a hash. **Source:** Amazon S3 API Reference, Signature calculations, and presigned queries. */
const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD'

/** The hash of the body, which a declared one must equal. @throws {ServiceError} InvalidSignatureException */
function payloadHashOf(
  request: HttpRequest,
  presented: PresentedSignature,
  allowsUnsigned: boolean,
): string {
  const { body, headers } = request
  if (allowsUnsigned && isUnsigned(request, presented)) return UNSIGNED_PAYLOAD
  const payloadHash = body.length === 0 ? EMPTY_SHA256 : hash('sha256', body, 'hex')
  const declared = headers['x-amz-content-sha256']
  if (declared !== undefined && declared !== payloadHash) throw contentHashDiffers()
  for (const { name, value } of presented.query) {
    if (name === 'X-Amz-Content-Sha256' && decodeCanonical(value) !== payloadHash) {
      throw contentHashDiffers()
    }
  }
  return payloadHash
}

/** A presigned query signs no body unless it says which. */
function isUnsigned({ headers }: HttpRequest, { form, query }: PresentedSignature): boolean {
  const inQuery = query.find(({ name }) => name === 'X-Amz-Content-Sha256')
  const declared = headers['x-amz-content-sha256'] ?? inQuery?.value
  return declared === undefined ? form === 'query' : declared === UNSIGNED_PAYLOAD
}

function buildSignature(parts: {
  readonly request: HttpRequest
  readonly rules: SignatureRules
  readonly presented: PresentedSignature
  readonly credential: Credential
  readonly headers: string
  readonly payloadHash: string
}): Signature {
  const { request, rules, presented, credential, headers, payloadHash } = parts
  const { form, timestamp, signedHeaders, sessionToken, query } = presented
  const mark = request.target.indexOf('?')
  const path = mark === -1 ? request.target : request.target.slice(0, mark)
  const before = `${request.method}\n${canonicalPath(path, rules.pathStyle ?? 'normalized')}\n`
  const behind = `\n${headers}\n${signedHeaders}\n${payloadHash}`
  const stringToSign = (canonicalQueryText: string): string =>
    `${ALGORITHM}\n${timestamp}\n${credential.scope}\n${hashBytes(before + canonicalQueryText + behind)}`
  return {
    form,
    accessKeyId: credential.accessKeyId,
    date: credential.date,
    timestamp,
    region: credential.region,
    service: rules.service,
    scope: credential.scope,
    signedHeaders,
    sessionToken,
    signature: presented.signature,
    stringToSign: stringToSign(
      query.length === 0 ? '' : canonicalQuery(query, ['X-Amz-Signature']),
    ),
    stringToSignWithoutToken:
      form === 'query' && sessionToken !== undefined
        ? stringToSign(canonicalQuery(query, ['X-Amz-Signature', 'X-Amz-Security-Token']))
        : undefined,
  }
}

/** SHA-256, in hex, of a text that has one character for each byte. */
function hashBytes(text: string): string {
  // UTF-8 has as many bytes as there are characters only where all are ASCII: then no copy is needed.
  if (Buffer.byteLength(text) === text.length) return hash('sha256', text, 'hex')
  // What is no byte came from no wire; cut to one, it might pass for another text.
  if (/[^\0-\u00ff]/.test(text)) throw signatureDiffers()
  return hash('sha256', Buffer.from(text, 'latin1'), 'hex')
}
