import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Connection, HttpReply, HttpRequest } from '../../core/transport.ts'
import { ByteCollector } from './http-body.ts'
import { describeConnection } from './http-connection.ts'
import type { HttpEndpoint } from './http-endpoint.ts'
import { headerMapOf } from './http-headers.ts'
import { REFUSALS, type RefusalReason } from './http-refusal.ts'
import { bodyBytesOf, bodyOf, refusalText } from './http-reply.ts'

const DIGITS = /^\d{1,15}$/

/** What is known of one connection that node:http reads. */
interface Line {
  readonly connection: Connection
  /** Complete requests that wait for the one before them: effects happen in the order of sending. */
  readonly waiting: (() => void)[]
  busy: boolean
  /** Requests whose head has been read and whose reply has not been sent. */
  readonly pending: Set<IncomingMessage>
  /** Set when the input turned out to be no HTTP: said after the replies that are still due. */
  refusal: RefusalReason | undefined
  /** Nothing more is answered on it. */
  over: boolean
}

/**
 * Serves what node:http has parsed: collects bodies, calls the handler, one request of a
 * connection at a time, and writes its replies.
 */
export class NodeExchanges {
  readonly #endpoint: HttpEndpoint
  readonly #lines = new WeakMap<Socket, Line>()

  constructor(endpoint: HttpEndpoint) {
    this.#endpoint = endpoint
  }

  /** A request whose head has been read. `continues`: the client waits for our word to send its body. */
  serve(req: IncomingMessage, res: ServerResponse, continues: boolean): void {
    const line = this.#line(req.socket)
    const refusal = refusalOf(req, this.#endpoint)
    if (line.over) return
    if (refusal !== undefined) {
      this.refuse(req, res, refusal)
      return
    }
    if (continues) res.writeContinue()
    this.#collect(req, res, line)
  }

  /** Answers a request that no handler sees, and ends its connection. */
  refuse(req: IncomingMessage, res: ServerResponse, reason: RefusalReason): void {
    const { socket } = req
    this.#line(socket).over = true
    // The reply is complete for the client, but not ended for node:http, which would close the
    // socket at once: with input unread that is a reset, and it may overtake the reply.
    const reply = REFUSALS[reason]
    res.writeHead(reply.status, this.#headersOf(reply, bodyBytesOf(reply.body), false))
    res.write(reply.body)
    const finish = () => {
      if (!res.writableEnded) res.end()
    }
    req.removeAllListeners('data')
    req.on('data', () => {}).on('end', finish)
    if (req.complete) finish()
    this.#endpoint.deadlines.set(socket, this.#endpoint.limits.lingerMs)
    socket.once('close', () => this.#endpoint.deadlines.clear(socket))
  }

  /** Input that is not HTTP, or came too late: the requests before it still get their replies. */
  refuseInput(socket: Socket, reason: RefusalReason): void {
    const line = this.#line(socket)
    line.refusal ??= reason
    this.#endWithRefusal(socket, line)
  }

  #line(socket: Socket): Line {
    let line = this.#lines.get(socket)
    if (line === undefined) {
      line = {
        connection: describeConnection(socket),
        waiting: [],
        busy: false,
        pending: new Set(),
        refusal: undefined,
        over: false,
      }
      this.#lines.set(socket, line)
    }
    return line
  }

  #collect(req: IncomingMessage, res: ServerResponse, line: Line): void {
    const body = new ByteCollector()
    line.pending.add(req)
    req.on('data', (piece: Buffer) => {
      if (body.sizeBytes + piece.length <= this.#endpoint.limits.bodyBytesMax) body.append(piece)
      else this.refuse(req, res, 'bodyTooLarge')
    })
    req.on('end', () => {
      if (line.over) return
      const start = () => this.#start(req, res, line, body.view())
      if (line.busy) line.waiting.push(start)
      else start()
    })
    // A request that breaks off is nobody's: node:http reports it and closes its socket.
    req.on('error', () => {})
    res.on('error', () => {})
  }

  #start(req: IncomingMessage, res: ServerResponse, line: Line, body: Buffer): void {
    line.busy = true
    const request: HttpRequest = {
      method: req.method ?? '',
      target: req.url ?? '',
      rawHeaders: req.rawHeaders,
      headers: headerMapOf(req.rawHeaders, this.#endpoint.names),
      body,
      connection: line.connection,
    }
    const reply = this.#endpoint.handle(request)
    if (!(reply instanceof Promise)) {
      this.#finish(res, line, reply)
      return
    }
    reply.then(
      (value) => this.#finish(res, line, value),
      (cause: unknown) => this.#finish(res, line, this.#endpoint.bug(cause)),
    )
  }

  #finish(res: ServerResponse, line: Line, reply: HttpReply): void {
    const keepAlive = res.shouldKeepAlive && !this.#endpoint.closing
    // A refusal is written to the socket itself: not before this reply has left its queue.
    res.once('close', () => {
      line.pending.delete(res.req)
      this.#endWithRefusal(res.req.socket, line)
    })
    this.#send(res, reply, keepAlive)
    line.busy = false
    // Once the client has been told that nothing more is answered, nothing more is done either.
    if (keepAlive) line.waiting.shift()?.()
    else line.over = true
  }

  #send(res: ServerResponse, reply: HttpReply, keepAlive: boolean): void {
    const { written } = reply
    // Node.js emits close once, when the reply has been handed over and when the socket is gone.
    if (written !== undefined) {
      if (res.closed || res.destroyed) written()
      else res.once('close', written)
    }
    if (res.destroyed) return
    try {
      // Checks the headers by the same rules as the fast path, before node:http sees them.
      this.#endpoint.heads.check(reply)
    } catch (cause) {
      this.#send(res, this.#endpoint.bug(cause), keepAlive)
      return
    }
    const body = bodyOf(reply)
    res.writeHead(reply.status, this.#headersOf(reply, bodyBytesOf(body), keepAlive))
    res.end(body)
    const { socket } = res.req
    if (socket.writableLength > 0) {
      this.#endpoint.deadlines.set(socket, this.#endpoint.limits.writeTimeoutMs)
      res.once('close', () => this.#endpoint.deadlines.clear(socket))
    }
  }

  /** In the order of the fast path. */
  #headersOf(reply: HttpReply, bodyBytes: number, keepAlive: boolean): string[] {
    const headers = [...reply.headers, ...(reply.ownHeaders ?? [])]
    if (reply.status !== 204 && reply.status !== 304) {
      headers.push('Content-Length', String(reply.announcedBytes ?? bodyBytes))
    }
    headers.push(
      'Connection',
      keepAlive ? 'keep-alive' : 'close',
      'Date',
      this.#endpoint.date.now(),
    )
    return headers
  }

  #endWithRefusal(socket: Socket, line: Line): void {
    if (line.over || line.refusal === undefined) return
    // A request that is complete gets its reply first. One that broke off is what is refused.
    for (const req of line.pending) if (req.complete) return
    line.over = true
    if (!socket.writable) {
      socket.destroy()
      return
    }
    socket.end(refusalText(this.#endpoint.heads, REFUSALS[line.refusal]))
    this.#endpoint.deadlines.set(socket, this.#endpoint.limits.lingerMs)
    socket.once('close', () => this.#endpoint.deadlines.clear(socket))
  }
}

/** What node:http leaves to its user: the number of headers, `Host`, and a body announced too large. */
function refusalOf(req: IncomingMessage, endpoint: HttpEndpoint): RefusalReason | undefined {
  const { rawHeaders } = req
  if (rawHeaders.length > endpoint.limits.headersMax * 2) return 'headTooLarge'
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (endpoint.names.lowerCase(rawHeaders[at] ?? '') === 'host') hosts += 1
  }
  // Source: RFC 9112, 3.2: exactly one Host in HTTP/1.1; a second one is an attack on routing.
  if (hosts > 1 || (hosts === 0 && req.httpVersion === '1.1')) return 'malformed'
  const length = req.headers['content-length']
  if (length === undefined) return undefined
  if (!DIGITS.test(length) || Number(length) > endpoint.limits.bodyBytesMax) return 'bodyTooLarge'
  return undefined
}
