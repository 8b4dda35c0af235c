import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignatureV4 } from '@smithy/signature-v4'
import { Sha256 } from './signer-hash.ts'

export const S3_CREDENTIALS = {
  accessKeyId: 'AKIASHIPPING0000',
  secretAccessKey: 'the secret of the store',
}

export interface StoredObject {
  readonly body: Buffer
  readonly metadata: Readonly<Record<string, string>>
}

/** What a test has go wrong with one request: a status, no answer at all, or an object that is stored altered. */
export type Mishap = number | 'hangs' | 'alters' | undefined

/** A store on this machine that takes PUT and HEAD as Amazon S3 does, and believes nobody who does not sign. */
export class S3StandIn implements AsyncDisposable {
  /** By `/bucket/key`. */
  readonly objects = new Map<string, StoredObject>()
  /** Paths of everything that was put, in order. */
  readonly puts: string[] = []
  mishap: (method: string, path: string) => Mishap = () => undefined
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch(() => response.destroy())
  })

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get port(): number {
    // A server that listens on TCP has such an address.
    return (this.#server.address() as AddressInfo).port
  }

  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
    return this
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request
    const pieces: Buffer[] = []
    // No encoding was set: pieces are buffers.
    for await (const piece of request) pieces.push(piece as Buffer)
    const body = Buffer.concat(pieces)
    const mishap = this.mishap(method, url)
    if (mishap === 'hangs') return
    if (typeof mishap === 'number') return answerError(response, mishap, 'SlowDown')
    if (!(await isSigned(request, body))) return answerError(response, 403, 'SignatureDoesNotMatch')
    if (method === 'PUT') return this.#put(request, response, body, mishap)
    const found = this.objects.get(url)
    if (found === undefined) return answerError(response, 404, 'NoSuchKey')
    response.writeHead(200, { ...found.metadata, ...headersOf(found.body) }).end()
  }

  #put(request: IncomingMessage, response: ServerResponse, body: Buffer, mishap: Mishap): void {
    const { url = '', headers } = request
    if (headers['content-md5'] !== createHash('md5').update(body).digest('base64'))
      return answerError(response, 400, 'BadDigest')
    const metadata = Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith('x-amz-meta-') ? [[name, String(value)] as const] : [],
    )
    const stored = mishap === 'alters' ? Buffer.concat([body, Buffer.from('x')]) : body
    this.puts.push(url)
    this.objects.set(url, { body: stored, metadata: Object.fromEntries(metadata) })
    response.writeHead(200, { etag: headersOf(body).etag }).end()
  }
}

const headersOf = (body: Buffer) => ({
  'content-length': String(body.length),
  etag: `"${createHash('md5').update(body).digest('hex')}"`,
})

function answerError(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`)
}

/** Signs the request anew with AWS's own signer, and compares. */
async function isSigned({ method = '', url = '', headers }: IncomingMessage, body: Buffer) {
  const given = String(headers.authorization)
  const signedNames = /SignedHeaders=([^,]+)/.exec(given)?.[1]?.split(';') ?? []
  if (!signedNames.includes('x-amz-content-sha256') || !signedNames.includes('host')) return false
  if (headers['x-amz-content-sha256'] !== createHash('sha256').update(body).digest('hex'))
    return false
  const signer = new SignatureV4({
    service: 's3',
    region: 'eu-central-1',
    credentials: S3_CREDENTIALS,
    sha256: Sha256,
    uriEscapePath: false,
  })
  const stamp = String(headers['x-amz-date'])
  const time = stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')
  const signed = await signer.sign(
    {
      method,
      protocol: 'http:',
      hostname: String(headers.host),
      path: url,
      headers: Object.fromEntries(signedNames.map((name) => [name, String(headers[name])])),
      body,
    },
    { signingDate: new Date(time), signableHeaders: new Set(signedNames) },
  )
  return signed.headers['authorization'] === given
}
