import type { KeyObject } from 'node:crypto'
import { DependencyError } from '../../core/errors.ts'
import type { Clock } from '../../core/ports.ts'
import { HttpSender } from '../http-sender.ts'
import type { BridgeEvent } from './bridge-event.ts'
import { type EventSink, SinkGone } from './event-sink.ts'
import { webhookHeaders } from './webhook-secrets.ts'

const GONE = 410

export interface WebhookOptions {
  readonly name: string
  readonly url: URL
  readonly secrets: readonly KeyObject[]
  /** The machine's clock: receivers compare. */
  readonly machine: Clock
  readonly timeoutMs?: number | undefined
}

/**
 * Posts each event, signed, to a URL. 2xx accepts it, 410 wants no more, and everything else, a redirect too,
 * is tried again.
 */
export class WebhookSink implements EventSink {
  readonly name: string
  readonly perKey = true
  readonly #options: WebhookOptions
  readonly #sender = new HttpSender()

  constructor(options: WebhookOptions) {
    this.name = options.name
    this.#options = options
  }

  async deliver(events: readonly BridgeEvent[], signal: AbortSignal): Promise<void> {
    for (const event of events) await this.#post(event, signal)
  }

  async #post({ id, text }: BridgeEvent, signal: AbortSignal): Promise<void> {
    const { url, secrets, machine, timeoutMs } = this.#options
    const timestamp = Math.floor(machine.now() / 1000)
    const { status } = await this.#sender.send({
      method: 'POST',
      url,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'strongroom',
        ...webhookHeaders({ id, timestamp, body: text }, secrets),
      },
      body: Buffer.from(text),
      signal,
      timeoutMs,
    })
    if (status === GONE) throw new SinkGone('it answered 410: it wants no more events')
    if (status < 200 || status > 299) throw new DependencyError(`it answered ${status}`)
  }

  close(): Promise<void> {
    this.#sender.close()
    return Promise.resolve()
  }
}
