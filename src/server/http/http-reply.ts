import { STATUS_CODES } from 'node:http'
import type { HttpReply } from '../../core/transport.ts'
import type { HttpDate } from './http-date.ts'

/** Names that the transport sets itself: a handler that sets them is wrong. */
const OWN_NAMES = /^(date|content-length|connection|transfer-encoding)$/i
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused
const NOT_A_VALUE = /[^\t\x20-\x7e\x80-\xff]/

/** Statuses whose replies have no body. Source: RFC 9110, 6.4.1. */
const isBodiless = (status: number): boolean => status === 204 || status === 304

/**
 * Writes the heads of replies. The lines of a frozen array of headers are made and checked once;
 * one that may still change is formatted anew each time.
 */
export class ReplyHeads {
  readonly #date: HttpDate
  readonly #blocks = new WeakMap<readonly string[], string>()
  readonly #statusLines = new Map<number, string>()
  /** Spellings of names that were checked; handlers use a handful. */
  readonly #names = new Set<string>()

  constructor(date: HttpDate) {
    this.#date = date
  }

  /**
   * The head with its empty line. `bodyBytes` is the length of the body in bytes.
   * @throws {TypeError} for a header that could split the reply, or that is the transport's own.
   */
  head(reply: HttpReply, bodyBytes: number, keepAlive: boolean): string {
    const length = isBodiless(reply.status) ? '' : `Content-Length: ${bodyBytes}\r\n`
    return (
      this.#statusLine(reply.status) +
      this.#block(reply.headers) +
      (reply.ownHeaders === undefined ? '' : this.#block(reply.ownHeaders)) +
      length +
      (keepAlive ? 'Connection: keep-alive\r\nDate: ' : 'Connection: close\r\nDate: ') +
      this.#date.now() +
      '\r\n\r\n'
    )
  }

  /** @throws {TypeError} as `head` does. */
  check(reply: HttpReply): void {
    this.#statusLine(reply.status)
    this.#block(reply.headers)
    if (reply.ownHeaders !== undefined) this.#block(reply.ownHeaders)
  }

  #statusLine(status: number): string {
    let line = this.#statusLines.get(status)
    if (line === undefined) {
      if (!Number.isInteger(status) || status < 200 || status > 599) {
        throw new TypeError(`not the status of a reply: ${status}`)
      }
      line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`
      this.#statusLines.set(status, line)
    }
    return line
  }

  #block(headers: readonly string[]): string {
    const known = this.#blocks.get(headers)
    if (known !== undefined) return known
    let block = ''
    for (let at = 0; at < headers.length; at += 2) {
      const name = headers[at] ?? ''
      const value = headers[at + 1]
      if (!this.#names.has(name)) this.#learn(name)
      if (value === undefined || NOT_A_VALUE.test(value)) {
        throw new TypeError(`the value of the reply header ${name} cannot be sent`)
      }
      block += `${name}: ${value}\r\n`
    }
    if (Object.isFrozen(headers)) this.#blocks.set(headers, block)
    return block
  }

  #learn(name: string): void {
    if (!TOKEN.test(name) || OWN_NAMES.test(name)) {
      throw new TypeError('a reply header has a name that cannot be sent')
    }
    if (this.#names.size < 256) this.#names.add(name)
  }
}

/** The body as it is sent: none where the status allows none. */
export const bodyOf = (reply: HttpReply): string | Uint8Array =>
  isBodiless(reply.status) ? '' : reply.body

/** Its length in bytes. */
export const bodyBytesOf = (body: string | Uint8Array): number =>
  typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength

/** A whole reply in one text, for refusals, which are ASCII. The connection ends with it. */
export const refusalText = (heads: ReplyHeads, reply: HttpReply): string =>
  `${heads.head(reply, bodyBytesOf(reply.body), false)}${String(reply.body)}`
