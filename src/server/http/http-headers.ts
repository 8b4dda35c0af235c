import { newBareObject } from '../../core/bare-object.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** How many spellings of header names are remembered; more are understood, but not remembered. */
const NAMES_MAX = 512

/** What AWS SDKs and proxies send, so that a stranger's inventions cannot crowd it out. */
const COMMON_NAMES =
  'Host User-Agent Accept Accept-Encoding Connection Content-Type Content-Length Authorization ' +
  'X-Amz-Date X-Amz-Target X-Amz-Security-Token X-Amz-Content-Sha256 X-Amz-User-Agent ' +
  'amz-sdk-invocation-id amz-sdk-request X-Amzn-Trace-Id X-Forwarded-For'

/** The header fields of one request by lower-case name. Its prototype chain holds nothing. */
export type HeaderMap = Record<string, string | undefined>

/** An empty map. */
export const newHeaderMap = (): HeaderMap => newBareObject()

/** Adds a field; values of one name are joined in the order in which they came. */
export function addHeader(map: HeaderMap, lowerCaseName: string, value: string): void {
  const before = map[lowerCaseName]
  map[lowerCaseName] = before === undefined ? value : `${before}, ${value}`
}

/** Header names in lower case, remembered by their spelling. */
export class HeaderNames {
  readonly #known = new Map<string, string>()

  constructor() {
    for (const name of COMMON_NAMES.split(' ')) {
      this.#known.set(name, name.toLowerCase())
      this.#known.set(name.toLowerCase(), name.toLowerCase())
    }
  }

  /** Undefined when the name is not a token. Source: RFC 9110, 5.1 and 5.6.2. */
  lowerCase(name: string): string | undefined {
    return this.#known.get(name) ?? this.#learn(name)
  }

  #learn(name: string): string | undefined {
    if (!TOKEN.test(name)) return undefined
    const lower = name.toLowerCase()
    if (this.#known.size < NAMES_MAX) {
      // A copy: a slice would keep the whole head of a request alive for as long as it is known.
      this.#known.set(Buffer.from(name, 'latin1').toString('latin1'), lower)
    }
    return lower
  }
}

/** The map of fields as node:http lists them: names and values in turn, already checked. */
export function headerMapOf(rawHeaders: readonly string[], names: HeaderNames): HeaderMap {
  const map = newHeaderMap()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? ''
    addHeader(map, names.lowerCase(name) ?? name.toLowerCase(), rawHeaders[at + 1] ?? '')
  }
  return map
}
