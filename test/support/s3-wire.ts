import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { SignatureV4 } from '@smithy/signature-v4'
import type { KeyPair } from './iam-account.ts'
import { Sha256 } from './signer-hash.ts'

/** A reply as it stood on the wire. */
export interface S3Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

/** What a test may change of a proper GET. */
export interface S3Change {
  readonly method?: string
  /** The name that the client knows the server by; with the port behind it. */
  readonly host?: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Seconds that a presigned query is good for. */
  readonly expiresIn?: number
  readonly signedAt?: Date
}

const signerWith = (credentials: KeyPair): SignatureV4 =>
  new SignatureV4({
    service: 's3',
    region: 'eu-central-1',
    credentials,
    sha256: Sha256,
    uriEscapePath: false,
  })

interface Wire {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

async function send(endpoint: string, { method, path, headers, body }: Wire): Promise<S3Answer> {
  const { hostname, port } = new URL(endpoint)
  const request = httpRequest({ hostname, port, method, path, headers, agent: false })
  request.end(body)
  // Emitted with the reply alone.
  const [reply] = (await once(request, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  // Streams of node:http give bytes where no encoding is set.
  for await (const chunk of reply as AsyncIterable<Buffer>) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  return { status: reply.statusCode ?? 0, headers: reply.headers, text }
}

const targetOf = (path: string, query: Readonly<Record<string, unknown>>): string => {
  const pairs = Object.entries(query).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`,
  )
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
}

const partsOf = (endpoint: string, path: string, change: S3Change) => ({
  protocol: 'http:',
  hostname: '127.0.0.1',
  method: change.method ?? 'GET',
  path,
  query: { ...change.query },
  headers: { host: change.host ?? new URL(endpoint).host, ...change.headers },
  ...(change.body !== undefined && { body: change.body }),
})

/** The server, and who signs. */
export interface S3Side {
  readonly endpoint: string
  readonly key: KeyPair
}

/** Sends a request that is signed in its headers. */
export async function signedS3({ endpoint, key }: S3Side, path: string, change: S3Change = {}) {
  const signed = await signerWith(key).sign(partsOf(endpoint, path, change), {
    ...(change.signedAt && { signingDate: change.signedAt }),
  })
  return send(endpoint, {
    method: signed.method,
    path: targetOf(path, signed.query ?? {}),
    headers: signed.headers,
    body: change.body ?? '',
  })
}

/** Sends a request that is signed in its query. */
export async function presignedS3({ endpoint, key }: S3Side, path: string, change: S3Change = {}) {
  const signed = await signerWith(key).presign(
    partsOf(endpoint, path, {
      ...change,
      headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', ...change.headers },
    }),
    {
      expiresIn: change.expiresIn ?? 900,
      ...(change.signedAt && { signingDate: change.signedAt }),
    },
  )
  return send(endpoint, {
    method: signed.method,
    path: targetOf(path, signed.query ?? {}),
    headers: { host: signed.headers['host'] ?? '' },
    body: '',
  })
}

/** Sends a request that nobody signed. */
export const unsignedS3 = (endpoint: string, path: string, change: S3Change = {}) =>
  send(endpoint, {
    method: change.method ?? 'GET',
    path: targetOf(path, change.query ?? {}),
    headers: { host: change.host ?? new URL(endpoint).host, ...change.headers },
    body: change.body ?? '',
  })
