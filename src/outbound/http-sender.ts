import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { DependencyError } from '../core/errors.ts'

/** Of a whole exchange, from connecting to the last byte. */
const TIMEOUT_MS = 10_000
/** More of an answer is not read. */
const ANSWER_BYTES_MAX = 65_536
const HEADER_BYTES_MAX = 16_384
const SOCKETS_MAX = 16

export interface Outgoing {
  readonly method: 'POST' | 'PUT' | 'HEAD' | 'GET'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly signal: AbortSignal
  /** 10 seconds where absent. */
  readonly timeoutMs?: number | undefined
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Its first 64 KiB, as text. */
  readonly body: string
}

/**
 * Sends requests to a place that the operator chose. Certificates are verified, redirects are answers like any
 * other, and what the other side says is bounded in size and time.
 */
export class HttpSender {
  readonly #plain = new PlainAgent({ keepAlive: true, maxSockets: SOCKETS_MAX })
  readonly #tls = new TlsAgent({ keepAlive: true, maxSockets: SOCKETS_MAX })

  /** @throws {DependencyError} where there was no whole answer; its message tells why and repeats nothing that was sent */
  async send(outgoing: Outgoing): Promise<Answer> {
    const timeout = AbortSignal.timeout(outgoing.timeoutMs ?? TIMEOUT_MS)
    const signal = AbortSignal.any([timeout, outgoing.signal])
    try {
      try {
        return await this.#exchange(outgoing, signal)
      } catch (error) {
        // The other side may close an idle connection at the moment it is used again: it has seen nothing then.
        if (!(error instanceof StaleConnection)) throw error
        return await this.#exchange(outgoing, signal)
      }
    } catch (error) {
      if (error instanceof DependencyError) throw error
      const why = timeout.aborted ? 'it did not answer in time' : `no connection${codeOf(error)}`
      throw new DependencyError(why, { cause: error })
    }
  }

  close(): void {
    this.#plain.destroy()
    this.#tls.destroy()
  }

  #exchange({ method, url, headers, body }: Outgoing, signal: AbortSignal): Promise<Answer> {
    const isTls = url.protocol === 'https:'
    const request = isTls ? tlsRequest : plainRequest
    const options = {
      method,
      agent: isTls ? this.#tls : this.#plain,
      signal,
      maxHeaderSize: HEADER_BYTES_MAX,
      headers: { ...headers, 'content-length': String(body.length) },
    }
    return new Promise((resolve, reject) => {
      const sent = request(url, options, (response) => {
        readAnswer(response).then(resolve, reject)
      })
      sent.on('error', (error: NodeJS.ErrnoException) => {
        const isStale = sent.reusedSocket && error.code === 'ECONNRESET'
        reject(isStale ? new StaleConnection(error.message) : error)
      })
      sent.end(body)
    })
  }
}

class StaleConnection extends Error {}

/** `: ECONNREFUSED` and its like; other messages may repeat what was sent. */
const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? `: ${error.code}`
    : ''

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const pieces: Buffer[] = []
  let sizeBytes = 0
  for await (const piece of response) {
    // No encoding was set: pieces are buffers.
    const bytes = piece as Buffer
    sizeBytes += bytes.length
    pieces.push(bytes)
    if (sizeBytes >= ANSWER_BYTES_MAX) break
  }
  const body = Buffer.concat(pieces).subarray(0, ANSWER_BYTES_MAX).toString('utf8')
  return { status: response.statusCode ?? 0, headers: response.headers, body }
}
