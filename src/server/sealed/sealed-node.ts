import type { ShareProgress, StartOptions, UnsealState } from '../../cli/program.ts'
import { OperatorError } from '../../core/errors.ts'
import type { Log } from '../../core/ports.ts'
import type { HttpHandler } from '../../core/transport.ts'
import { jsonReply, withAdminRoutes } from '../admin-endpoints.ts'
import type { TlsCredentials } from '../http/http-server.ts'
import { type HttpTransport, openHttpTransport } from '../http/http-transport.ts'
import { openUnixSocketTransport, type UnixSocketTransport } from '../http/http-unix-socket.ts'

/** How long an answer in flight may take when the node is unsealed. */
const GRACE_MS = 2000
const RETRY_AFTER_SECONDS = '5'

export interface SealedNodeParts {
  readonly options: Pick<StartOptions, 'host' | 'port'>
  readonly operatorSocket: string
  /** Of the endpoint while the node is sealed; `closed` where its certificate is behind the seal itself. */
  readonly endpoint: 'plain' | 'closed' | TlsCredentials
  readonly log: Log
}

/**
 * A node that waits for the shares of its root key. It answers that it is sealed, and takes shares over the operator's
 * socket, one after the other, until there are enough.
 */
export class SealedNode {
  readonly #parts: SealedNodeParts
  #progress: ShareProgress | undefined
  #transport: HttpTransport | undefined
  #socket: UnixSocketTransport | undefined
  /** Resolves with the next share. */
  #wanted: PromiseWithResolvers<string> | undefined
  /** Resolves when the share that was given last has been looked at. */
  #answered: PromiseWithResolvers<UnsealState> | undefined

  constructor(parts: SealedNodeParts) {
    this.#parts = parts
  }

  /** The next share that somebody gives. The first call opens the doors. */
  async nextShare(progress: ShareProgress): Promise<string> {
    this.#progress = progress
    const { given, threshold, shares, refusal } = progress
    this.#answer({
      sealed: true,
      given,
      threshold,
      shares,
      ...(refusal && {
        refusal: refusal.message,
        ...(refusal.hint !== undefined && { hint: refusal.hint }),
      }),
    })
    this.#wanted = Promise.withResolvers<string>()
    await this.#open()
    return this.#wanted.promise
  }

  /** There were enough shares, or what they gave did not open the store. Closes the doors; the port is free again. */
  async close(outcome: 'unsealed' | Error): Promise<void> {
    const { given = 0, threshold = 0, shares = 0 } = this.#progress ?? {}
    if (outcome === 'unsealed') {
      this.#answer({ sealed: false, given: threshold, threshold, shares })
    } else {
      this.#answer({ sealed: true, given, threshold, shares, refusal: outcome.message })
    }
    await Promise.all([this.#transport?.close(GRACE_MS), this.#socket?.close(GRACE_MS)])
  }

  /** The port that the endpoint was given, where the system chose it. */
  get port(): number | undefined {
    return this.#transport?.address.port
  }

  #answer(state: UnsealState): void {
    this.#answered?.resolve(state)
    this.#answered = undefined
  }

  async #open(): Promise<void> {
    if (this.#socket !== undefined) return
    const { options, operatorSocket, endpoint, log } = this.#parts
    this.#socket = await openUnixSocketTransport({
      path: operatorSocket,
      handler: this.#takeShare,
      log,
    })
    if (endpoint !== 'closed') {
      this.#transport = await openHttpTransport({
        host: options.host,
        port: options.port,
        handler: withAdminRoutes(refuseSealed, this.#routes()),
        log,
        ...(endpoint !== 'plain' && { tls: endpoint }),
      })
    }
    log.warn(
      {
        threshold: this.#progress?.threshold ?? 0,
        endpoint: this.#transport?.endpoint ?? 'closed',
      },
      'sealed: give shares of the root key with strongroom unseal',
    )
  }

  #routes() {
    return new Map([
      ['GET /-/health', () => jsonReply(200, { status: 'alive' })],
      [
        'GET /-/ready',
        () => {
          const { given = 0, threshold = 0 } = this.#progress ?? {}
          return jsonReply(503, { status: 'sealed', given, threshold })
        },
      ],
    ])
  }

  readonly #takeShare: HttpHandler = async ({ method, target, body }) => {
    const { given = 0, threshold = 0 } = this.#progress ?? {}
    if (method !== 'POST' || target !== '/operator/unseal') {
      return jsonReply(400, {
        message: `the node is sealed: ${given} of ${threshold} shares have been given`,
        hint: 'give the others with strongroom unseal',
      })
    }
    const share = shareIn(body.toString('utf8'))
    if (share === undefined) return jsonReply(400, { message: 'no share was given' })
    if (this.#wanted === undefined || this.#answered !== undefined) {
      return jsonReply(400, { message: 'another share is being looked at', hint: 'try it again' })
    }
    this.#answered = Promise.withResolvers<UnsealState>()
    const answer = this.#answered.promise
    this.#wanted.resolve(share)
    return jsonReply(200, { result: await answer })
  }
}

/** The share in a request; undefined where there is none. */
function shareIn(text: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null || !('share' in parsed)) return undefined
    return typeof parsed.share === 'string' ? parsed.share : undefined
  } catch {
    return undefined
  }
}

const MESSAGE = 'The node is sealed: it serves when enough shares of its root key have been given.'

/** As AWS's front end says that a service is unavailable, for JSON and for Query clients. */
const refuseSealed: HttpHandler = ({ headers }) => {
  const isQuery = headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true
  const common = ['Retry-After', RETRY_AFTER_SECONDS, 'Cache-Control', 'no-store']
  return isQuery
    ? {
        status: 503,
        headers: ['Content-Type', 'text/xml', ...common],
        body: `<ErrorResponse><Error><Type>Receiver</Type><Code>ServiceUnavailable</Code><Message>${MESSAGE}</Message></Error></ErrorResponse>`,
      }
    : {
        status: 503,
        headers: ['Content-Type', 'application/x-amz-json-1.1', ...common],
        body: JSON.stringify({ __type: 'ServiceUnavailableException', message: MESSAGE }),
      }
}

/** Where nobody can be asked for a share. */
export const noShares = (): Promise<never> =>
  Promise.reject(
    new OperatorError(
      'the store is sealed in shares, and there is nobody to ask for one',
      'name files that hold them: --share-file FILE, as often as there are shares',
    ),
  )
