import type { LookupAddress } from 'node:dns'
import { lookup as lookUp } from 'node:dns/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { DependencyError } from '../../core/errors.ts'
import type { ProviderDocuments } from '../../core/ports.ts'
import { isLoopbackAddress, isPublicAddress } from './public-addresses.ts'

/** Of the whole exchange, from looking up the name to the last byte. */
const TIMEOUT_MS = 5000
const DOCUMENT_BYTES_MAX = 262_144
const HEADER_BYTES_MAX = 16_384
const URL_CHARS_MAX = 2048

export interface ProviderDocumentsOptions {
  /** Whether providers in private networks may be asked, and those on this machine even by plain HTTP. */
  readonly allowPrivate: boolean
  /** The addresses of a host name; the system's resolver where absent. */
  readonly resolve?: (host: string) => Promise<readonly LookupAddress[]>
  /** Default: 5 seconds. */
  readonly timeoutMs?: number
}

/** Where a document may be fetched from: a URL, and the addresses that were checked for it. */
interface Destination {
  readonly url: URL
  readonly addresses: readonly [LookupAddress, ...LookupAddress[]]
}

/**
 * Fetches documents of identity providers: over HTTPS from the public Internet, unless private networks are
 * allowed. Whoever registers a provider chooses the URL, so that neither a name that resolves to an inner
 * address nor a redirect may lead into the operator's network: names are resolved here, every address is
 * checked, and the connection goes to a checked address and to nothing that the name means a moment later.
 */
export function createProviderDocuments(options: ProviderDocumentsOptions): ProviderDocuments {
  return {
    async fetch(text) {
      const signal = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS)
      try {
        const destination = await inTime(destinationOf(text, options), signal)
        return await get(destination, signal)
      } catch (error) {
        if (error instanceof DependencyError) throw error
        const message = `a document of an identity provider was not fetched${reasonOf(error)}`
        throw new DependencyError(message, { cause: error })
      }
    },
  }
}

/** `: ECONNREFUSED` and its like; other messages may repeat what the provider said. */
const reasonOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? `: ${error.code}`
    : ''

const refused = (why: string): DependencyError =>
  new DependencyError(`a document of an identity provider is not fetched: ${why}`)

/** The system's resolver cannot be interrupted; waiting for it can. */
async function inTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(refused('it took too long'))
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

const resolveBySystem = (host: string): Promise<readonly LookupAddress[]> =>
  lookUp(host, { all: true, verbatim: true })

async function destinationOf(
  text: string,
  { allowPrivate, resolve = resolveBySystem }: ProviderDocumentsOptions,
): Promise<Destination> {
  const url = text.length <= URL_CHARS_MAX ? URL.parse(text) : null
  if (url === null) throw refused('its URL is malformed')
  if (url.username !== '' || url.password !== '') throw refused('its URL has credentials')
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
  const literal = isIP(host)
  const found = literal === 0 ? await resolve(host) : [{ address: host, family: literal }]
  const [first, ...more] = found
  if (first === undefined) throw refused('its host has no address')
  if (!allowPrivate && !found.every(({ address }) => isPublicAddress(address))) {
    throw refused('its host is not in the public Internet, which needs --oidc-allow-private')
  }
  const isPlainAllowed = allowPrivate && found.every(({ address }) => isLoopbackAddress(address))
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isPlainAllowed)) {
    throw refused('its URL is not https')
  }
  return { url, addresses: [first, ...more] }
}

/** Answers every lookup with what was checked. */
const pinned =
  (addresses: Destination['addresses']): LookupFunction =>
  (_host, { all }, callback) => {
    if (all === true) callback(null, [...addresses])
    else callback(null, addresses[0].address, addresses[0].family)
  }

function get({ url, addresses }: Destination, signal: AbortSignal): Promise<string> {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        agent: false,
        lookup: pinned(addresses),
        signal,
        maxHeaderSize: HEADER_BYTES_MAX,
        headers: { accept: 'application/json', 'accept-encoding': 'identity' },
      },
      (response) => {
        read(response).then(resolve, (error: unknown) => {
          sent.destroy()
          reject(error)
        })
      },
    )
    sent.on('error', reject)
    sent.end()
  })
}

/** The body of a plain success. A redirect is none: it is not followed. */
async function read(response: IncomingMessage): Promise<string> {
  if (response.statusCode !== 200) throw refused(`it was answered with ${response.statusCode}`)
  if (response.headers['content-encoding'] !== undefined) throw refused('it is encoded')
  const pieces: Buffer[] = []
  let sizeBytes = 0
  for await (const piece of response) {
    // No encoding was set: pieces are buffers.
    const bytes = piece as Buffer
    sizeBytes += bytes.length
    if (sizeBytes > DOCUMENT_BYTES_MAX) throw refused('it is too large')
    pieces.push(bytes)
  }
  return Buffer.concat(pieces).toString('utf8')
}
