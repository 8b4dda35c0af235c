import type { HttpReply, HttpRequest } from '../../core/transport.ts'

/** Who waits for the reply to a request. */
export interface Awaiting {
  readonly onReply: (reply: HttpReply) => void
  /** The handler has failed, which it never should. */
  readonly onBug: (cause: unknown) => void
}

interface Waiting {
  readonly request: HttpRequest
  readonly awaiting: Awaiting
}

/**
 * Handles the requests that one turn of the event loop has read together, at the end of that turn.
 *
 * Reading a socket and handling a request are long stretches of code that share nothing. One after the other,
 * for each request anew, they push each other out of the processor's caches. In a row, what one request has
 * brought into them serves the next, and the stages behind each `await` run in rows as well: a third less CPU
 * time a call at 64 connections (bench/README.md, Requests in rows). A request waits no longer than until the sockets that
 * were readable with its own have been read.
 */
export class RequestTurn {
  readonly #handle: (request: HttpRequest) => HttpReply | Promise<HttpReply>
  #waiting: Waiting[] = []

  /** @param handle does not throw */
  constructor(handle: (request: HttpRequest) => HttpReply | Promise<HttpReply>) {
    this.#handle = handle
  }

  add(request: HttpRequest, awaiting: Awaiting): void {
    if (this.#waiting.push({ request, awaiting }) === 1) setImmediate(this.#run)
  }

  readonly #run = (): void => {
    const waiting = this.#waiting
    this.#waiting = []
    for (const { request, awaiting } of waiting) {
      const reply = this.#handle(request)
      if (reply instanceof Promise) reply.then(awaiting.onReply, awaiting.onBug)
      else awaiting.onReply(reply)
    }
  }
}
