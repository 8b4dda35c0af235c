import type { FrameWriter } from '../../audit/event.ts'
import { parseArn } from '../../core/arn.ts'
import { OperatorError, ServiceError } from '../../core/errors.ts'
import { parseAliasName } from '../../core/ids.ts'
import type { Clock, Log } from '../../core/ports.ts'
import type { RecordStore } from '../../core/records.ts'
import { ALIASES } from '../../core/tables.ts'
import type { HttpReply, HttpRequest } from '../../core/transport.ts'
import type { AuditTrail } from '../../pipeline/audit-trail.ts'
import type { CallOrigin, InProcessCall } from '../../pipeline/pipeline.ts'
import { type Authenticate, placeOf, type Service } from '../../pipeline/service.ts'
import { AccessExplorer, type Asker } from '../../services/kms/access/access-explorer.ts'
import { findNamedKey } from '../../services/kms/access/find-key.ts'
import { type AdminRoutes, jsonReply } from '../admin-endpoints.ts'
import { explainFrame, explanationFor, getRequestId, isOfRequest } from './explanation.ts'
import { parseSimulate, parseWhoCan } from './explanation-requests.ts'

/** Searches the log for the frames that may be of a request, newest first. */
export type RequestFrames = (requestId: string) => Promise<readonly string[]>

export interface AuthorizationParts {
  readonly kms: Service
  readonly authenticate: Authenticate
  /** Runs an operation with all its checks, and records it. */
  readonly run: (call: InProcessCall) => Promise<object | undefined>
  readonly records: RecordStore
  readonly requestFrames: RequestFrames
  readonly trail: Pick<AuditTrail, 'record'>
  readonly frames: FrameWriter
  readonly clock: Clock
  readonly log: Log
}

/** Answers `/-/authorization/…`. */
export type Inquire = (request: HttpRequest) => Promise<HttpReply>

/** Searches of the log that wait for one another. */
const SEARCHES_WAITING_MAX = 8

const PREFIX = '/-/authorization/'
const NOT_FOUND = 'there is no call with this request id that you may ask about'

/** What the reply to an error is. */
function errorReply(error: unknown, log: Log): HttpReply {
  if (error instanceof OperatorError) {
    return jsonReply(400, { error: error.message, ...(error.hint && { hint: error.hint }) })
  }
  if (!(error instanceof ServiceError)) {
    log.error({}, 'a question about authorization failed', error)
    return jsonReply(500, { error: 'internal error' })
  }
  const { code, publicMessage: message } = error
  const status = STATUS.get(code) ?? 400
  return jsonReply(status, { error: message ?? code, code })
}

/** All that says that the asker is not who it says, or may not. */
const STATUS: ReadonlyMap<string, number> = new Map([
  ['AccessDeniedException', 403],
  ['ExpiredTokenException', 403],
  ['IncompleteSignatureException', 403],
  ['InvalidSignatureException', 403],
  ['MissingAuthenticationTokenException', 403],
  ['NotAuthorizedException', 403],
  ['UnrecognizedClientException', 403],
  ['NotFoundException', 404],
  ['ThrottlingException', 429],
  ['KMSInternalException', 500],
])

function bodyOf({ body }: HttpRequest): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    throw new OperatorError('the body must be JSON')
  }
}

/**
 * Answers questions about decisions over HTTP. Requests are signed for KMS. Who asks about a key must be
 * allowed kms:GetKeyPolicy on it: asking counts as that call, and is recorded as one.
 */
export class AuthorizationEndpoints {
  readonly #parts: AuthorizationParts
  readonly #explorer: AccessExplorer
  #searches: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(parts: AuthorizationParts) {
    this.#parts = parts
    this.#explorer = new AccessExplorer(parts.records, parts.clock)
  }

  readonly inquire: Inquire = async (request) => {
    try {
      const origin = await this.#originOf(request)
      const body = bodyOf(request)
      const [path = ''] = request.target.split('?', 1)
      if (path === `${PREFIX}explain`) return await this.#explain(body, origin)
      if (path === `${PREFIX}who-can`) return await this.#whoCan(body, origin)
      return await this.#simulate(body, origin)
    } catch (error) {
      return errorReply(error, this.#parts.log)
    }
  }

  /** @throws ServiceError for a request that is not signed, or not by who it says */
  async #originOf(request: HttpRequest): Promise<CallOrigin> {
    const { kms, authenticate } = this.#parts
    const identity = await authenticate(request, kms)
    return {
      ...placeOf(identity, kms),
      caller: identity.caller,
      connection: request.connection,
      userAgent: request.headers['user-agent'] ?? '',
      host: request.headers['host'] ?? '',
      referer: request.headers['referer'],
    }
  }

  /** Reads the policy of the key as the asker. @throws ServiceError where it may not, or there is no such key */
  async #readPolicy(keyId: string, origin: CallOrigin): Promise<void> {
    const { run, kms } = this.#parts
    await run({ service: kms, operation: 'GetKeyPolicy', input: { KeyId: keyId }, origin })
  }

  /** The key, once the asker has been found to be allowed to read its policy. @throws ServiceError */
  async #askerOn(key: string, origin: CallOrigin): Promise<Asker> {
    const { records, clock } = this.#parts
    const { accountId, region } = origin
    const alias = parseAliasName(ownResource(key, origin) ?? key)
    const target = alias && (await records.find(ALIASES, [accountId, region, alias]))
    const keyId = target?.record.targetKeyId ?? key
    await this.#readPolicy(keyId, origin)
    const name = { key: keyId, accountId, region }
    return { target: await findNamedKey(records, name, clock.now()), seesAll: false }
  }

  async #whoCan(body: unknown, origin: CallOrigin): Promise<HttpReply> {
    const request = parseWhoCan(body)
    const asker = await this.#askerOn(request.key, origin)
    return jsonReply(200, await this.#explorer.whoCanOn(asker, request))
  }

  async #simulate(body: unknown, origin: CallOrigin): Promise<HttpReply> {
    const request = parseSimulate(body)
    if (request.key === undefined) throw new OperatorError('key is missing')
    const asker = await this.#askerOn(request.key, origin)
    return jsonReply(200, await this.#explorer.simulateOn(asker, request))
  }

  async #explain(body: unknown, origin: CallOrigin): Promise<HttpReply> {
    // The one member is looked at as `unknown`.
    const requestId = getRequestId((body as { requestId?: unknown } | null)?.requestId)
    const text = await this.#search(requestId)
    const found = text === undefined ? undefined : explainFrame(text, requestId)
    const explanation = found && (await this.#shown(found, origin))
    if (explanation === undefined) return jsonReply(404, { error: NOT_FOUND })
    const { trail, frames, clock } = this.#parts
    const details = { requestId, principal: origin.caller.arn, accountId: origin.accountId }
    await trail.record(frames.inquiry(clock.now(), 'explain', details))
    return jsonReply(200, explanation)
  }

  async #shown(found: NonNullable<ReturnType<typeof explainFrame>>, origin: CallOrigin) {
    const { caller, accountId } = origin
    const called = found.explanation.caller
    const isOwn =
      called.accountId === accountId &&
      (caller.principal.type === 'Account' || called.principalId === caller.userId)
    const mayReadPolicy: boolean[] = []
    for (const [index, { resource }] of found.explanation.decisions.entries()) {
      const isKey = found.owners[index] === accountId && resource.includes(':key/')
      mayReadPolicy.push(isKey && !isOwn && (await this.#mayReadPolicy(resource, origin)))
    }
    return explanationFor(found, { accountId, isOwn, mayReadPolicy })
  }

  async #mayReadPolicy(keyArn: string, origin: CallOrigin): Promise<boolean> {
    try {
      const region = parseArn(keyArn)?.region
      // A key is asked for in its own Region.
      if (region !== origin.region) return false
      await this.#readPolicy(keyArn, origin)
      return true
    } catch (error) {
      if (error instanceof ServiceError && STATUS.has(error.code)) return false
      throw error
    }
  }

  /** One search after the other. @throws ServiceError ThrottlingException where too many wait already */
  async #search(requestId: string): Promise<string | undefined> {
    if (this.#waiting >= SEARCHES_WAITING_MAX) {
      throw new ServiceError(
        'ThrottlingException',
        'too many searches of the audit log wait already',
      )
    }
    this.#waiting += 1
    const turn = this.#searches.then(() => this.#parts.requestFrames(requestId))
    this.#searches = turn.catch(() => undefined)
    try {
      return (await turn).find(isOfRequest(requestId))
    } finally {
      this.#waiting -= 1
    }
  }
}

/** `alias/…` from the ARN of an alias in the asker's own account and Region. */
function ownResource(key: string, { accountId, region }: CallOrigin): string | undefined {
  const arn = parseArn(key)
  return arn?.accountId === accountId && arn.region === region ? arn.resource : undefined
}

/** The routes of a node. `node` is asked for each request: `strongroom dev` may have another one by then. */
export const authorizationRoutes = (inquire: Inquire): AdminRoutes =>
  new Map(['explain', 'who-can', 'simulate'].map((name) => [`POST ${PREFIX}${name}`, inquire]))
