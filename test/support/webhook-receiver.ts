import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isGenuine } from '../../examples/webhook-receiver.ts'

export const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

export interface Received {
  readonly id: string
  readonly body: string
  /** Whether the signature is genuine. */
  readonly signed: boolean
}

type Answer = number | { readonly status: number; readonly headers: Record<string, string> }

/** A receiver of webhooks on this machine, which answers as a test says. */
export class WebhookReceiver implements AsyncDisposable {
  /** Everything that came, accepted or not, in its order. */
  readonly received: Received[] = []
  /** What was answered with 2xx. */
  readonly accepted: Received[] = []
  /** Says the status of an answer; never answers where it never resolves. */
  answer: (received: Received) => Answer | Promise<Answer> = () => 204
  readonly #server = createServer((request, response) => {
    void this.#receive(request).then(
      (answer) => {
        const { status, headers } =
          typeof answer === 'number' ? { status: answer, headers: {} } : answer
        response.writeHead(status, headers).end()
      },
      () => response.destroy(),
    )
  })

  /** `http://127.0.0.1:PORT/hook` */
  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`
  }

  get port(): number {
    // A server that listens on TCP has such an address.
    return (this.#server.address() as AddressInfo).port
  }

  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
    return this
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #receive(request: IncomingMessage): Promise<Answer> {
    const pieces: Buffer[] = []
    // No encoding was set: pieces are buffers.
    for await (const piece of request) pieces.push(piece as Buffer)
    const body = Buffer.concat(pieces).toString('utf8')
    const received = {
      id: String(request.headers['webhook-id']),
      body,
      signed: isGenuine(request.headers, body, WEBHOOK_SECRET),
    }
    this.received.push(received)
    const answer = await this.answer(received)
    const status = typeof answer === 'number' ? answer : answer.status
    if (status >= 200 && status < 300) this.accepted.push(received)
    return answer
  }
}
