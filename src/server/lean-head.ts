import { addHeader, type HeaderMap, type HeaderNames, newHeaderMap } from './http-headers.ts'

const TAB = 9
const LF = 10
const CR = 13
const SPACE = 32
const DELETE = 127

const POST_ROOT = 'POST / HTTP/1.1\r\n'
const REQUEST_LINE = /^(GET|POST) (\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*) HTTP\/1\.1\r\n/
const LENGTH = /^\d{1,10}$/

/** Headers that change how a message is framed or a connection used: node:http knows how. */
const NOT_LEAN: ReadonlySet<string> = new Set([
  'transfer-encoding',
  'upgrade',
  'expect',
  'trailer',
  'proxy-connection',
  'http2-settings',
])

/**
 * Where the head that begins at `start` ends: behind its empty line. -1 when it is not all there.
 * `from` is where to begin looking, for a head that was looked at before.
 */
export function findHeadEnd(bytes: Uint8Array, start: number, from: number): number {
  let at = Math.max(start, from) + 3
  while (at < bytes.length) {
    const byte = bytes[at]
    if (byte === LF) {
      if (bytes[at - 1] === CR && bytes[at - 2] === LF && bytes[at - 3] === CR) return at + 1
      // The line feed may be the second of the four bytes, so the last one is two further on.
      at += 2
    } else {
      // A carriage return may be the first or the third byte; anything else is none of them.
      at += byte === CR ? 1 : 4
    }
  }
  return -1
}

/**
 * Whether bytes without a complete head may still become a request that is read here. What cannot
 * is better refused at once than after a time-out. `from` is where to begin looking.
 */
export function mayBecomeLean(bytes: Buffer, from: number): boolean {
  const text = bytes.toString('latin1', 0, 6)
  if (!'POST /'.startsWith(text) && !'GET /'.startsWith(text.slice(0, 5))) return false
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (at === 0 || bytes[at - 1] !== CR) return false
  }
  return true
}

/**
 * Reads the heads of requests by a grammar far narrower than HTTP: GET or POST of a path, HTTP/1.1,
 * one Host, at most one Content-Length, no Transfer-Encoding, no folded lines, every line ended by
 * CR LF, and no byte that RFC 9110 does not allow. It never refuses: what it does not
 * understand in full is for node:http to judge.
 *
 * One reader serves one endpoint: the members hold the last head until the next `read`.
 * Source: RFC 9112, 2 to 6; RFC 9110, 5.
 */
export class LeanHead {
  method = ''
  target = ''
  rawHeaders: string[] = []
  headers: HeaderMap = newHeaderMap()
  contentLength = 0
  keepAlive = true
  #lengths = 0
  readonly #names: HeaderNames
  readonly #headersMax: number
  readonly #bodyBytesMax: number

  constructor(names: HeaderNames, limits: { headersMax: number; bodyBytesMax: number }) {
    this.#names = names
    this.#headersMax = limits.headersMax
    this.#bodyBytesMax = limits.bodyBytesMax
  }

  /** `text` is a head with its empty line, decoded as latin1. False: let node:http read it. */
  read(text: string): boolean {
    this.contentLength = 0
    this.keepAlive = true
    this.#lengths = 0
    const firstField = this.#readRequestLine(text)
    return firstField > 0 && this.#readFields(text, firstField)
  }

  #readRequestLine(text: string): number {
    if (text.startsWith(POST_ROOT)) {
      this.method = 'POST'
      this.target = '/'
      return POST_ROOT.length
    }
    const line = REQUEST_LINE.exec(text)
    if (line === null) return -1
    const [whole, method = '', target = ''] = line
    this.method = method
    this.target = target
    return whole.length
  }

  #readFields(text: string, firstField: number): boolean {
    const rawHeaders: string[] = []
    const headers = newHeaderMap()
    // The head ends with an empty line: two bytes behind the end of the last field.
    const end = text.length - 2
    let at = firstField
    while (at < end) {
      const colon = text.indexOf(':', at)
      if (colon < 0) return false
      const name = text.slice(at, colon)
      const lowerCaseName = this.#names.lowerCase(name)
      if (lowerCaseName === undefined) return false
      const lineEnd = endOfValue(text, colon + 1)
      if (lineEnd < 0) return false
      const value = trimmed(text, colon + 1, lineEnd)
      if (!this.#accept(lowerCaseName, value)) return false
      rawHeaders.push(name, value)
      addHeader(headers, lowerCaseName, value)
      at = lineEnd + 2
    }
    if (at !== end || rawHeaders.length > this.#headersMax * 2) return false
    this.rawHeaders = rawHeaders
    this.headers = headers
    // Two Hosts were joined, and no valid Host has a comma.
    const host = headers['host']
    return host !== undefined && !host.includes(',')
  }

  #accept(name: string, value: string): boolean {
    switch (name) {
      case 'content-length':
        this.#lengths += 1
        if (this.#lengths > 1 || !LENGTH.test(value)) return false
        this.contentLength = Number(value)
        return this.contentLength <= this.#bodyBytesMax
      case 'connection': {
        if (value === 'keep-alive') return true
        const option = value.toLowerCase()
        if (option === 'close') this.keepAlive = false
        return option === 'close' || option === 'keep-alive'
      }
      default:
        return !NOT_LEAN.has(name)
    }
  }
}

/** The end of a field's line, which must be CR LF; -1 when a byte on the way is not allowed. */
function endOfValue(text: string, from: number): number {
  for (let at = from; ; at += 1) {
    const code = text.charCodeAt(at)
    if (code >= SPACE) {
      if (code === DELETE) return -1
    } else if (code === CR) {
      return text.charCodeAt(at + 1) === LF ? at : -1
    } else if (code !== TAB) {
      // Also the end of the text, where the code is NaN.
      return -1
    }
  }
}

const isSpace = (code: number): boolean => code === SPACE || code === TAB

function trimmed(text: string, from: number, to: number): string {
  let start = from
  let end = to
  while (start < end && isSpace(text.charCodeAt(start))) start += 1
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}
