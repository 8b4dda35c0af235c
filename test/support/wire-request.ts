import type { HttpRequest } from '../../src/core/transport.ts'

/** A request as a transport hands it over. `headers` are names and values in turn. */
export function wireRequest(parts: {
  readonly method?: string
  readonly target?: string
  readonly headers?: readonly string[]
  readonly body?: string | Uint8Array
}): HttpRequest {
  const rawHeaders = parts.headers ?? []
  const headers: Record<string, string> = Object.create(null)
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = String(rawHeaders[at]).toLowerCase()
    const value = String(rawHeaders[at + 1])
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value
  }
  return {
    method: parts.method ?? 'POST',
    target: parts.target ?? '/',
    rawHeaders,
    headers,
    body: Buffer.from(parts.body ?? ''),
    connection: { remoteAddress: '127.0.0.1' },
  }
}
