import type { TestContext } from 'node:test'
import type { HttpHandler, HttpReply, HttpRequest } from '../../src/core/transport.ts'
import type { HttpLimits } from '../../src/server/http/http-limits.ts'
import { type HttpTransport, openHttpTransport } from '../../src/server/http/http-transport.ts'
import { RawClient, type WireReply } from './http-raw-client.ts'

/** A whole request without a body. */
export const GET = 'GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n'

/** A whole request with a body of ASCII; `more` are further header lines. */
export const post = (target: string, body: string, more = ''): string =>
  `POST ${target} HTTP/1.1\r\nHost: localhost\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`

/** Status and error type of a refusal. */
export const typeOf = (reply: WireReply | undefined): string =>
  reply === undefined ? 'none' : `${reply.status} ${JSON.parse(reply.body).__type}`

/** Whether the reply says that it is the last one. */
export const closes = (reply: WireReply | undefined): boolean =>
  reply?.headers.get('connection') === 'close'

/** A log that keeps what it was told. */
export class MemoryLog {
  readonly lines: { readonly level: string; readonly message: string; readonly cause?: unknown }[] =
    []

  info(_fields: unknown, message: string): void {
    this.lines.push({ level: 'info', message })
  }

  warn(_fields: unknown, message: string): void {
    this.lines.push({ level: 'warn', message })
  }

  error(_fields: unknown, message: string, cause?: unknown): void {
    this.lines.push({ level: 'error', message, cause })
  }
}

/** What a handler saw, as plain data that stays after the request is over. */
export interface Seen {
  readonly method: string
  readonly target: string
  readonly rawHeaders: readonly string[]
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

export const seenOf = (request: HttpRequest): Seen => ({
  method: request.method,
  target: request.target,
  rawHeaders: [...request.rawHeaders],
  headers: { ...request.headers },
  body: request.body.toString('latin1'),
})

/** Replies with method, target and body, so that each reply names its request. */
export const echo: HttpHandler = (request) => ({
  status: 200,
  headers: ['X-Seen', 'yes'],
  body: `${request.method} ${request.target} ${request.body.toString('latin1')}`,
})

export interface Fixture {
  readonly transport: HttpTransport
  readonly port: number
  readonly log: MemoryLog
  readonly client: () => Promise<RawClient>
}

/** An open endpoint that is closed with the test. */
export async function serve(
  t: TestContext,
  handler: HttpHandler,
  settings: { readonly fastPath: boolean; readonly limits?: Partial<HttpLimits> },
): Promise<Fixture> {
  const log = new MemoryLog()
  const { fastPath, limits = {} } = settings
  const transport = await openHttpTransport({
    host: '127.0.0.1',
    port: 0,
    handler,
    log,
    fastPath,
    limits: { lingerMs: 50, ...limits },
  })
  const clients: RawClient[] = []
  t.after(async () => {
    for (const client of clients) client.close()
    await transport.close(0)
  })
  const { port } = transport.address
  const client = async () => {
    const opened = await RawClient.open(port)
    clients.push(opened)
    return opened
  }
  return { transport, port, log, client }
}

/** A handler whose replies the test gives, in the order of the calls. */
export class ManualHandler {
  readonly requests: Seen[] = []
  readonly #replies: ((reply: HttpReply) => void)[] = []
  #wake: () => void = () => {}

  readonly handle: HttpHandler = (request) => {
    this.requests.push(seenOf(request))
    this.#wake()
    return new Promise((resolve) => this.#replies.push(resolve))
  }

  /** Resolves when as many requests have been handed over. */
  async arrived(count: number): Promise<void> {
    while (this.requests.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Answers the oldest call that waits. */
  answer(reply: Partial<HttpReply> = {}): void {
    this.#replies.shift()?.({ status: 200, headers: [], body: 'done', ...reply })
  }
}
