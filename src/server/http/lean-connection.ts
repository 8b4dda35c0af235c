import type { Socket } from 'node:net'
import type { Connection, HttpReply, HttpRequest } from '../../core/transport.ts'
import { ByteCollector } from './http-body.ts'
import { describeConnection } from './http-connection.ts'
import type { HttpEndpoint } from './http-endpoint.ts'
import { REFUSALS, type RefusalReason } from './http-refusal.ts'
import { refusalText } from './http-reply.ts'
import { findHeadEnd, type LeanHead, mayBecomeLean } from './lean-head.ts'
import { writeReply } from './lean-reply.ts'
import type { Awaiting } from './request-turn.ts'

const NO_BODY = Buffer.alloc(0)

/** What a connection waits for: it decides which time-out applies. */
type Phase = 'idle' | 'head' | 'body' | 'handling' | 'writing' | 'over'

/** The time-outs of each phase, in ticks of the endpoint's sweep. */
export interface PhaseTicks {
  readonly idle: number
  readonly head: number
  readonly body: number
  readonly writing: number
}

/** Gives a connection, and the bytes that were read in vain, to node:http for good. */
export type HandOver = (socket: Socket, bytes: Buffer) => void

/**
 * One connection of the fast path. It takes one request at a time, so that effects and replies keep
 * the order of sending, and what comes meanwhile waits in the socket. At the first request
 * outside the lean grammar the connection goes to node:http.
 */
export class LeanConnection implements Awaiting {
  readonly #socket: Socket
  readonly #endpoint: HttpEndpoint
  readonly #head: LeanHead
  readonly #handOver: HandOver
  #facts: Connection | undefined
  #phase: Phase = 'head'
  /** The tick at which the present request, or the rest between two, began. */
  #since: number
  /** The beginning of a head whose end has not arrived. */
  #partialHead: ByteCollector | undefined
  #partialBody: ByteCollector | undefined
  /** The request whose body is arriving, and how long that body is. */
  #awaiting: HttpRequest | undefined
  #bodyBytes = 0
  /** Input that came while a request was being handled. */
  #later: Buffer | undefined
  /** Whether input follows the present request, be it in `#later` or not yet. */
  #more = false
  #keepAlive = true
  #peerEnded = false

  constructor(socket: Socket, endpoint: HttpEndpoint, head: LeanHead, handOver: HandOver) {
    this.#socket = socket
    this.#endpoint = endpoint
    this.#head = head
    this.#handOver = handOver
    this.#since = endpoint.sweep.tick
    socket.on('data', this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('error', ignore)
  }

  /** Whether it waits between two requests. */
  get isResting(): boolean {
    return this.#phase === 'idle'
  }

  /** Whether nothing has begun that closing would break off. A client that has just connected is about to begin. */
  get isIdle(): boolean {
    return this.#phase === 'idle' || (this.#phase === 'head' && this.#partialHead === undefined)
  }

  destroy(): void {
    this.#phase = 'over'
    this.#socket.destroy()
  }

  /** Ends a wait that has lasted too long. */
  expire(tick: number, ticks: PhaseTicks): void {
    const phase = this.#phase
    if (phase === 'over' || phase === 'handling') return
    if (tick - this.#since < ticks[phase]) return
    if (phase === 'head' || phase === 'body') this.#refuse('tooSlow')
    else this.destroy()
  }

  readonly #onData = (piece: Buffer): void => {
    switch (this.#phase) {
      case 'handling':
      case 'writing':
        this.#later = this.#later === undefined ? piece : Buffer.concat([this.#later, piece])
        this.#more = true
        this.#socket.pause()
        return
      case 'body':
        this.#continueBody(piece)
        return
      case 'idle':
        this.#phase = 'head'
        this.#since = this.#endpoint.sweep.tick
        this.#consume(piece, 0)
        return
      case 'head':
        this.#continueHead(piece)
        return
      case 'over':
        return
    }
  }

  readonly #onEnd = (): void => {
    this.#peerEnded = true
    if (this.isIdle) {
      this.#phase = 'over'
      this.#socket.end()
    } else if (this.#phase === 'head' || this.#phase === 'body') {
      this.#refuse('malformed')
    }
  }

  readonly #onDrain = (): void => {
    if (this.#phase !== 'writing') return
    this.#rest()
    if (this.#later !== undefined) this.#goOn()
    else if (this.#peerEnded) this.#end()
  }

  readonly onReply = (reply: HttpReply): void => {
    if (this.#reply(reply)) this.#goOn()
  }

  readonly onBug = (cause: unknown): void => {
    this.onReply(this.#endpoint.bug(cause))
  }

  #continueHead(piece: Buffer): void {
    const held = this.#partialHead
    if (held === undefined) {
      this.#consume(piece, 0)
      return
    }
    const seen = held.sizeBytes
    held.append(piece)
    this.#consume(held.view(), seen)
  }

  #continueBody(piece: Buffer): void {
    const body = this.#partialBody
    const request = this.#awaiting
    if (body === undefined || request === undefined) return
    const missing = this.#bodyBytes - body.sizeBytes
    if (piece.length < missing) {
      body.append(piece)
      return
    }
    body.append(piece.subarray(0, missing))
    this.#partialBody = undefined
    this.#awaiting = undefined
    const rest = piece.subarray(missing)
    this.#more = rest.length > 0
    this.#dispatch({ ...request, body: body.view() })
    this.#keep(rest)
  }

  /** Takes the first request from the bytes. `seen` of them were looked at before. */
  #consume(bytes: Buffer, seen: number): void {
    this.#phase = 'head'
    const from = Math.max(0, seen - 3)
    const end = findHeadEnd(bytes, 0, from)
    if (end < 0) {
      this.#awaitHead(bytes, from)
      return
    }
    this.#partialHead = undefined
    if (!this.#isLean(bytes, end)) {
      this.#giveAway(bytes)
      return
    }
    const next = end + this.#head.contentLength
    if (next > bytes.length) {
      this.#awaitBody(bytes.subarray(end))
      return
    }
    this.#more = next < bytes.length
    this.#dispatch(this.#request(end === next ? NO_BODY : bytes.subarray(end, next)))
    if (this.#more) this.#keep(bytes.subarray(next))
  }

  #isLean(bytes: Buffer, end: number): boolean {
    return end <= this.#endpoint.limits.headBytesMax && this.#head.read(bytes, 0, end)
  }

  #request(body: Buffer): HttpRequest {
    const { method, target, rawHeaders, headers, keepAlive } = this.#head
    this.#keepAlive = keepAlive
    this.#facts ??= describeConnection(this.#socket)
    return { method, target, rawHeaders, headers, body, connection: this.#facts }
  }

  #awaitHead(bytes: Buffer, seen: number): void {
    if (bytes.length > this.#endpoint.limits.headBytesMax || !mayBecomeLean(bytes, seen)) {
      this.#giveAway(bytes)
      return
    }
    if (this.#peerEnded) this.#refuse('malformed')
    if (this.#partialHead !== undefined || this.#peerEnded) return
    this.#partialHead = new ByteCollector()
    this.#partialHead.append(bytes)
  }

  #awaitBody(bytes: Buffer): void {
    this.#awaiting = this.#request(NO_BODY)
    this.#bodyBytes = this.#head.contentLength
    this.#partialBody = new ByteCollector()
    this.#partialBody.append(bytes)
    this.#phase = 'body'
    if (this.#peerEnded) this.#refuse('malformed')
  }

  #dispatch(request: HttpRequest): void {
    this.#phase = 'handling'
    this.#endpoint.turn.add(request, this)
  }

  /** True when the next request may be read. */
  #reply(reply: HttpReply): boolean {
    const isLast = this.#peerEnded && !this.#more
    const keepAlive = this.#keepAlive && !this.#endpoint.closing && !isLast
    writeReply(this.#socket, this.#endpoint, reply, keepAlive)
    if (this.#socket.destroyed) {
      this.#phase = 'over'
      return false
    }
    if (!keepAlive) {
      this.#end()
      return false
    }
    if (this.#socket.writableNeedDrain) {
      this.#phase = 'writing'
      this.#since = this.#endpoint.sweep.tick
      this.#socket.once('drain', this.#onDrain)
      return false
    }
    this.#rest()
    return true
  }

  #rest(): void {
    this.#phase = 'idle'
    this.#since = this.#endpoint.sweep.tick
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0 || this.#phase === 'over') return
    this.#later = bytes
    this.#socket.pause()
  }

  #goOn(): void {
    const bytes = this.#later
    if (bytes === undefined) return
    this.#later = undefined
    this.#socket.resume()
    this.#consume(bytes, 0)
  }

  /** Hangs up after the last reply. */
  #end(): void {
    this.#phase = 'over'
    // Closing a socket with unread input resets it, and the reset may overtake the reply.
    if (this.#later === undefined) this.#socket.destroySoon()
    else this.#linger()
  }

  #refuse(reason: RefusalReason): void {
    this.#phase = 'over'
    this.#socket.write(refusalText(this.#endpoint.heads, REFUSALS[reason]))
    this.#linger()
  }

  #linger(): void {
    const { deadlines, limits } = this.#endpoint
    const socket = this.#socket
    socket.end()
    socket.resume()
    deadlines.set(socket, limits.lingerMs)
    socket.once('close', () => deadlines.clear(socket))
  }

  #giveAway(bytes: Buffer): void {
    this.#phase = 'over'
    this.#partialHead = undefined
    const socket = this.#socket
    socket.off('data', this.#onData)
    socket.off('end', this.#onEnd)
    socket.off('error', ignore)
    this.#handOver(socket, bytes)
  }
}

/** A failing socket also closes, and that is what counts. */
const ignore = (): void => {}
