import { addHeader, type HeaderMap, type HeaderNames, newHeaderMap } from './http-headers.ts'

const TAB = 9
const LF = 10
const CR = 13
const SPACE = 32
const DELETE = 127

const POST_ROOT = 'POST / HTTP/1.1'
const REQUEST_LINE = /^(GET|POST) (\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*) HTTP\/1\.1$/
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

/** Headers whose values are understood here. */
const FRAMING: ReadonlySet<string> = new Set(['content-length', 'connection'])

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
  #lines = 0
  /** Where each line ends, counted from the start of the head. */
  readonly #lineEnds: Int32Array
  /** The names of the head before, by position: a client sends the same ones again and again. */
  readonly #expected: ExpectedName[] = []
  readonly #names: HeaderNames
  readonly #bodyBytesMax: number

  constructor(names: HeaderNames, limits: { headersMax: number; bodyBytesMax: number }) {
    this.#names = names
    this.#bodyBytesMax = limits.bodyBytesMax
    this.#lineEnds = new Int32Array(limits.headersMax + 1)
  }

  /** Reads the head between two positions, with its empty line. False: let node:http read it. */
  read(bytes: Buffer, start: number, end: number): boolean {
    this.contentLength = 0
    this.keepAlive = true
    this.#lengths = 0
    return (
      this.#findLines(bytes, start, end) && this.#readText(bytes.toString('latin1', start, end))
    )
  }

  /** One pass over the bytes that also sees whether each of them is allowed where it is. */
  #findLines(bytes: Uint8Array, start: number, end: number): boolean {
    const lineEnds = this.#lineEnds
    let lines = 0
    // The last two bytes are those of the empty line.
    for (let at = start; at < end - 2; at += 1) {
      const byte = bytes[at] ?? 0
      if (byte >= SPACE) {
        if (byte === DELETE) return false
      } else if (byte === CR) {
        at += 1
        if (bytes[at] !== LF || lines === lineEnds.length) return false
        lineEnds[lines] = at - 1 - start
        lines += 1
      } else if (byte !== TAB) {
        return false
      }
    }
    this.#lines = lines
    return true
  }

  #readText(text: string): boolean {
    const lineEnds = this.#lineEnds
    if (!this.#readRequestLine(text, lineEnds[0] ?? 0)) return false
    const rawHeaders: string[] = []
    const headers = newHeaderMap()
    for (let line = 1; line < this.#lines; line += 1) {
      const at = (lineEnds[line - 1] ?? 0) + 2
      const name = this.#readName(text, at, line)
      if (name === undefined) return false
      const value = trimmed(text, at + name.prefix.length, lineEnds[line] ?? 0)
      if (name.matters && !this.#accept(name.lowerCase, value)) return false
      rawHeaders.push(name.raw, value)
      addHeader(headers, name.lowerCase, value)
    }
    this.rawHeaders = rawHeaders
    this.headers = headers
    // Two Hosts were joined, and no valid Host has a comma.
    const host = headers['host']
    return host !== undefined && !host.includes(',')
  }

  #readRequestLine(text: string, lineEnd: number): boolean {
    if (lineEnd === POST_ROOT.length && text.startsWith(POST_ROOT)) {
      this.method = 'POST'
      this.target = '/'
      return true
    }
    const parts = REQUEST_LINE.exec(text.slice(0, lineEnd))
    if (parts === null) return false
    const [, method = '', target = ''] = parts
    this.method = method
    this.target = target
    return true
  }

  #readName(text: string, at: number, line: number): ExpectedName | undefined {
    const expected = this.#expected[line]
    if (expected !== undefined && text.startsWith(expected.prefix, at)) return expected
    const colon = text.indexOf(':', at)
    if (colon < 0 || colon > (this.#lineEnds[line] ?? 0)) return undefined
    // A copy: a slice would keep this head alive for as long as the name is expected.
    const raw = Buffer.from(text.slice(at, colon), 'latin1').toString('latin1')
    const lowerCase = this.#names.lowerCase(raw)
    if (lowerCase === undefined) return undefined
    const matters = NOT_LEAN.has(lowerCase) || FRAMING.has(lowerCase)
    const name = { prefix: `${raw}:`, raw, lowerCase, matters }
    this.#expected[line] = name
    return name
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
        return false
    }
  }
}

/** A header name as it was spelt in one place, and what is known of it. */
interface ExpectedName {
  /** The name and its colon. */
  readonly prefix: string
  readonly raw: string
  readonly lowerCase: string
  /** Whether its value decides how the message is read. */
  readonly matters: boolean
}

const isSpace = (code: number): boolean => code === SPACE || code === TAB

function trimmed(text: string, from: number, to: number): string {
  let start = from
  let end = to
  while (start < end && isSpace(text.charCodeAt(start))) start += 1
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}
