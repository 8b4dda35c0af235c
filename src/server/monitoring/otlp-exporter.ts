import type { Log } from '../../core/ports.ts'
import { HttpSender } from '../../outbound/http-sender.ts'

/** One span, as OTLP has it in JSON. */
export interface OtlpSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  /** 1 internal, 2 server. */
  readonly kind: 1 | 2
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly OtlpAttribute[]
  /** 2: it failed by a fault of ours. */
  readonly status: { readonly code: 0 | 2 }
}

export interface OtlpAttribute {
  readonly key: string
  readonly value: { readonly stringValue: string }
}

/** Spans that wait; more are dropped: a trace is worth no memory that calls need. */
const WAITING_MAX = 4096
const SPANS_PER_REQUEST = 512
const ROUND_MS = 2000
const TIMEOUT_MS = 5000
/** How often is told that the collector does not take spans. */
const COMPLAINT_MS = 60_000

export const textAttribute = (key: string, stringValue: string): OtlpAttribute => ({
  key,
  value: { stringValue },
})

/** Where the spans of an endpoint go: to its path for traces, unless it has one already. */
export function tracesUrl(endpoint: URL): URL {
  const url = new URL(endpoint)
  if (!url.pathname.endsWith('/v1/traces')) {
    url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`
  }
  return url
}

/**
 * Brings spans to a collector, many at a time, and forgets them whether it takes them or not.
 * **Source:** OpenTelemetry Protocol 1.x, OTLP/HTTP with JSON encoding.
 */
export class OtlpExporter {
  readonly #url: URL
  readonly #resource: readonly OtlpAttribute[]
  readonly #log: Log
  readonly #sender = new HttpSender()
  readonly #ended = new AbortController()
  readonly #timer: NodeJS.Timeout
  #waiting: OtlpSpan[] = []
  #sending: Promise<void> | undefined
  #complainedAtMs = Number.NEGATIVE_INFINITY

  constructor(endpoint: URL, resource: readonly OtlpAttribute[], log: Log) {
    this.#url = tracesUrl(endpoint)
    this.#resource = resource
    this.#log = log
    this.#timer = setInterval(() => void this.flush(), ROUND_MS).unref()
  }

  add(spans: readonly OtlpSpan[]): void {
    if (this.#waiting.length + spans.length > WAITING_MAX) return
    this.#waiting.push(...spans)
    if (this.#waiting.length >= SPANS_PER_REQUEST) void this.flush()
  }

  /** Settles when all that waited was sent, or dropped. Never rejects. */
  flush(): Promise<void> {
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = undefined))
    return this.#sending
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.flush()
    this.#ended.abort()
    this.#sender.close()
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const spans = this.#waiting.splice(0, SPANS_PER_REQUEST)
      const why = await this.#send(spans)
      if (why !== undefined) {
        // A collector that is away would hold up the end of the node once for each batch.
        this.#waiting = []
        this.#complain(why)
      }
    }
  }

  /** @returns why the spans were not taken */
  async #send(spans: readonly OtlpSpan[]): Promise<string | undefined> {
    const scopeSpans = [{ scope: { name: 'strongroom' }, spans }]
    const body = JSON.stringify({
      resourceSpans: [{ resource: { attributes: this.#resource }, scopeSpans }],
    })
    try {
      const { status } = await this.#sender.send({
        method: 'POST',
        url: this.#url,
        headers: { 'content-type': 'application/json' },
        body: Buffer.from(body),
        signal: this.#ended.signal,
        timeoutMs: TIMEOUT_MS,
      })
      return status >= 200 && status < 300 ? undefined : `it answered ${status}`
    } catch (error) {
      return error instanceof Error ? error.message : 'no connection'
    }
  }

  #complain(why: string): void {
    const now = performance.now()
    if (now - this.#complainedAtMs < COMPLAINT_MS) return
    this.#complainedAtMs = now
    this.#log.warn({ why }, 'the collector of traces did not take spans; they are dropped')
  }
}
