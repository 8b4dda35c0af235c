import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, Server as TlsServer } from 'node:https'
import { Socket } from 'node:net'
import { setImmediate as turnOfLoop } from 'node:timers/promises'
import { OperatorError } from '../../core/errors.ts'
import type { Log } from '../../core/ports.ts'
import type { HttpHandler } from '../../core/transport.ts'
import { HttpEndpoint } from './http-endpoint.ts'
import { NodeExchanges } from './http-exchange.ts'
import { DEFAULT_HTTP_LIMITS, type HttpLimits } from './http-limits.ts'
import { systemCodeOf } from './http-listen.ts'
import { REFUSALS, type RefusalReason } from './http-refusal.ts'
import { refusalText } from './http-reply.ts'
import { LeanConnections } from './lean-connections.ts'

/** How long, when everything closes, clients that have just connected may take to send their first request. */
const NEWCOMER_MS = 200

/** A certificate chain and its private key, both PEM. */
export interface TlsCredentials {
  readonly cert: string | Buffer
  readonly key: string | Buffer
  /**
   * The authorities (PEM) of certificates that clients are asked for. Who shows none, or a bad one, is served as well:
   * the handler decides. Whether clients are asked at all is as the endpoint was opened.
   */
  readonly clientAuthorities?: string
}

export interface HttpServing {
  readonly handler: HttpHandler
  readonly log: Log
  /** Those not given are `DEFAULT_HTTP_LIMITS`. */
  readonly limits?: Partial<HttpLimits>
  /** Off: node:http reads every connection. On by default. */
  readonly fastPath?: boolean
}

/** node:http or node:https, tuned and bounded, with every open socket at hand. */
export class HttpServer {
  readonly listener: Server
  readonly #endpoint: HttpEndpoint
  readonly #exchanges: NodeExchanges
  /** Accepted sockets, and over TLS also the encrypted streams made of them. */
  readonly #sockets = new Set<Socket>()
  /** Accepted sockets without a finished TLS handshake, by their peer's address and port. */
  readonly #handshaking = new Map<string, Socket>()
  #lean: LeanConnections | undefined
  #closed: Promise<void> | undefined
  #dropped = 0

  constructor(serving: HttpServing, tls?: TlsCredentials) {
    const limits = { ...DEFAULT_HTTP_LIMITS, ...serving.limits }
    this.#endpoint = new HttpEndpoint(serving.handler, serving.log, limits)
    this.#exchanges = new NodeExchanges(this.#endpoint)
    this.listener = tls === undefined ? plainServer(limits) : tlsServer(limits, tls)
    this.listener.maxConnections = limits.connectionsMax
    // One more than allowed, so that a request with too many is refused and not silently cut.
    this.listener.maxHeadersCount = limits.headersMax + 1
    // A client may shut down its sending side after a request and still wait for the reply.
    Object.assign(this.listener, { httpAllowHalfOpen: true })
    if (serving.fastPath !== false)
      this.#goLean(tls === undefined ? 'connection' : 'secureConnection')
    this.#listen(tls !== undefined)
    this.#reportDrops(serving.log)
  }

  /** The port it listens on; 0 on a UNIX socket. */
  port(): number {
    const address = this.listener.address()
    return address === null || typeof address === 'string' ? 0 : address.port
  }

  /** Uses other credentials for connections to come; those that are open go on. @throws where they cannot be used */
  renew(tls: TlsCredentials): void {
    if (!(this.listener instanceof TlsServer)) throw new TypeError('the endpoint has no TLS')
    this.listener.setSecureContext(contextOf(tls))
  }

  /** As `HttpTransport.endConnections`. */
  endConnections(): void {
    this.#endpoint.closing = true
  }

  /** Lets go of a server that could not listen. */
  abandon(): void {
    this.#endpoint.sweep.stop()
  }

  /** As `HttpTransport.close`. */
  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#close(graceMs)
    return this.#closed
  }

  async #close(graceMs: number): Promise<void> {
    this.#endpoint.closing = true
    // Requests that have already arrived are read in the next turns of the loop. Closing idle
    // connections before that would reset some of them unread.
    await turnOfLoop()
    await turnOfLoop()
    const closed = new Promise<void>((resolve) => this.listener.close(() => resolve()))
    this.#lean?.closeResting()
    const newcomers = setTimeout(() => {
      this.#lean?.closeIdle()
      for (const socket of this.#handshaking.values()) socket.destroy()
    }, NEWCOMER_MS)
    const cutOff = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy()
    }, graceMs)
    await closed
    clearTimeout(newcomers)
    clearTimeout(cutOff)
    this.#endpoint.sweep.stop()
  }

  /** Puts the fast path in front of node:http, which then sees the connections handed to it. */
  #goLean(event: 'connection' | 'secureConnection'): void {
    const { listener } = this
    const readers = listener.listeners(event)
    listener.removeAllListeners(event)
    const lean = new LeanConnections(this.#endpoint, (socket, bytes) => {
      const ended = socket.readableEnded
      // Paused, so that the bytes are not lost between the two readers.
      socket.pause()
      if (!ended) socket.unshift(bytes)
      for (const read of readers) Reflect.apply(read, listener, [socket])
      socket.resume()
      // A stream that has ended takes nothing back, so its last events are repeated.
      if (ended) {
        socket.emit('data', bytes)
        socket.emit('end')
      }
    })
    listener.on(event, (socket: Socket) => lean.accept(socket))
    this.#lean = lean
  }

  #listen(overTls: boolean): void {
    const { listener } = this
    listener.on('connection', (socket: Socket) => {
      this.#track(socket)
      if (overTls) this.#awaitHandshake(socket)
    })
    if (overTls) {
      listener.on('secureConnection', (socket: Socket) => {
        this.#handshaking.delete(peerOf(socket))
        this.#track(socket)
      })
    }
    listener.on('request', (req, res) => this.#exchanges.serve(req, res, false))
    listener.on('checkContinue', (req: IncomingMessage, res: ServerResponse) =>
      this.#exchanges.serve(req, res, true),
    )
    listener.on('checkExpectation', (req: IncomingMessage, res: ServerResponse) =>
      this.#exchanges.refuse(req, res, 'expectation'),
    )
    listener.on('connect', (_req, socket) => {
      socket.on('error', () => {})
      socket.end(refusalText(this.#endpoint.heads, REFUSALS.connect))
      this.#endpoint.deadlines.set(socket, this.#endpoint.limits.lingerMs)
      socket.once('close', () => this.#endpoint.deadlines.clear(socket))
      socket.resume()
    })
    listener.on('clientError', (error, socket) => {
      if (socket instanceof Socket) this.#onClientError(error, socket)
      else socket.destroy()
    })
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }

  #awaitHandshake(socket: Socket): void {
    const peer = peerOf(socket)
    this.#handshaking.set(peer, socket)
    socket.once('close', () => this.#handshaking.delete(peer))
  }

  #onClientError(error: Error, socket: Socket): void {
    const reason = refusalReasonOf(systemCodeOf(error))
    if (reason === undefined || !this.#sockets.has(socket)) socket.destroy()
    else this.#exchanges.refuseInput(socket, reason)
  }

  #reportDrops(log: Log): void {
    this.listener.on('drop', () => {
      this.#dropped += 1
    })
    this.#endpoint.sweep.add(() => {
      if (this.#dropped === 0) return
      log.warn({ connections: this.#dropped }, 'connections were closed: too many are open')
      this.#dropped = 0
    })
  }
}

const peerOf = (socket: Socket): string => `${socket.remoteAddress}:${socket.remotePort}`

const serverOptions = (limits: HttpLimits) => ({
  noDelay: true,
  keepAliveTimeout: limits.idleTimeoutMs,
  headersTimeout: limits.headTimeoutMs,
  requestTimeout: limits.requestTimeoutMs,
  connectionsCheckingInterval: Math.max(5, Math.min(1000, limits.headTimeoutMs / 4)),
  maxHeaderSize: limits.headBytesMax,
  // The exchange looks at Host itself, to refuse with a body and to refuse a second one too.
  requireHostHeader: false,
  insecureHTTPParser: false,
})

const plainServer = (limits: HttpLimits): Server => createServer(serverOptions(limits))

/**
 * Only suites with forward secrecy and authenticated encryption; the first three are TLS 1.3's.
 * Source: RFC 9325, 4.2.
 */
const CIPHER_SUITES = [
  'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

const contextOf = ({ cert, key, clientAuthorities }: TlsCredentials) => ({
  cert,
  key,
  minVersion: 'TLSv1.2' as const,
  ciphers: CIPHER_SUITES,
  ...(clientAuthorities !== undefined && { ca: clientAuthorities }),
})

function tlsServer(limits: HttpLimits, tls: TlsCredentials): Server {
  try {
    return createTlsServer({
      ...serverOptions(limits),
      ...contextOf(tls),
      handshakeTimeout: limits.headTimeoutMs,
      requestCert: tls.clientAuthorities !== undefined,
      rejectUnauthorized: false,
    })
  } catch (cause) {
    throw new OperatorError('the TLS certificate and key cannot be used', undefined, { cause })
  }
}

/** Undefined for an error that leaves nobody to answer. */
function refusalReasonOf(code: string): RefusalReason | undefined {
  if (code === 'HPE_HEADER_OVERFLOW' || code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') {
    return 'headTooLarge'
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'tooSlow'
  return code.startsWith('HPE_') ? 'malformed' : undefined
}
