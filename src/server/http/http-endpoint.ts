import type { Log } from '../../core/ports.ts'
import type { HttpHandler, HttpReply, HttpRequest } from '../../core/transport.ts'
import { HttpDate } from './http-date.ts'
import { HeaderNames } from './http-headers.ts'
import type { HttpLimits } from './http-limits.ts'
import { REFUSALS } from './http-refusal.ts'
import { ReplyHeads } from './http-reply.ts'
import { SocketDeadlines, Sweep } from './http-sweep.ts'
import { RequestTurn } from './request-turn.ts'

/** What everything that serves one endpoint shares. */
export class HttpEndpoint {
  readonly limits: HttpLimits
  readonly sweep: Sweep
  readonly deadlines: SocketDeadlines
  readonly date = new HttpDate()
  readonly heads = new ReplyHeads(this.date)
  readonly names = new HeaderNames()
  readonly turn = new RequestTurn((request) => this.handle(request))
  /** True once the endpoint is closing, or is about to: each further reply ends its connection. */
  closing = false
  readonly #handler: HttpHandler
  readonly #log: Log

  constructor(handler: HttpHandler, log: Log, limits: HttpLimits) {
    this.#handler = handler
    this.#log = log
    this.limits = limits
    const { headTimeoutMs, requestTimeoutMs, idleTimeoutMs, writeTimeoutMs, lingerMs } = limits
    this.sweep = new Sweep(
      Math.min(headTimeoutMs, requestTimeoutMs, idleTimeoutMs, writeTimeoutMs, lingerMs),
    )
    this.deadlines = new SocketDeadlines(this.sweep)
  }

  /** Calls the handler, which by contract does not throw; a bug in it becomes a reply. */
  handle(request: HttpRequest): HttpReply | Promise<HttpReply> {
    try {
      return this.#handler(request)
    } catch (cause) {
      return this.bug(cause)
    }
  }

  /** Records a bug of the handler and gives the reply that stands in for its own. */
  bug(cause: unknown): HttpReply {
    this.#log.error({}, 'the request handler failed, which it never should', cause)
    return REFUSALS.bug
  }
}
