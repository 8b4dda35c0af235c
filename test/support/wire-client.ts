import assert from 'node:assert/strict'
import { createHmac, hash } from 'node:crypto'
import { Agent, request as httpRequest } from 'node:http'
import type { JsonObject } from './memory-node.ts'

/** One reply as it stood on the wire. */
export interface WireAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
  /** The members of a JSON body; none where the body is empty or no object. */
  readonly json: JsonObject
  readonly requestId: string
}

/** What a test may change of a request that would be a proper one. */
export interface WireChange {
  readonly method?: string
  readonly path?: string
  readonly region?: string
  readonly service?: string
  /** The secret that the signature is made with. */
  readonly secret?: string
  /** The whole X-Amz-Target. */
  readonly target?: string
  /** Signed and sent beside the usual ones; undefined leaves a usual one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** Sent, not signed. */
  readonly unsignedHeaders?: Readonly<Record<string, string>>
  /** Sent, but left out of SignedHeaders. */
  readonly leaveUnsigned?: readonly string[]
  /** Replaces the Authorization header that was made; undefined leaves it out. */
  readonly authorization?: (made: string) => string | undefined
  /** The moment of signing. Unit: milliseconds since the epoch. */
  readonly signedAt?: number
}

const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()

/**
 * Sends signed requests byte by byte as a test says. Signs on its own, apart from the server's code.
 * **Source:** AWS General Reference, Signature Version 4 signing process.
 */
export class WireClient {
  readonly #endpoint: URL
  readonly #accessKeyId: string
  readonly #agent = new Agent({ keepAlive: true })
  readonly #region: string

  /** The secret of requests that name none; `strongroom dev` takes any. */
  readonly #secret: string

  constructor(endpoint: string, accessKeyId: string, region = 'eu-central-1', secret = 'any') {
    this.#secret = secret
    this.#endpoint = new URL(endpoint)
    this.#accessKeyId = accessKeyId
    this.#region = region
  }

  /** Calls an operation of KMS; `input` is sent as it is where it is text or bytes. */
  kms(
    operation: string,
    input: object | string | Uint8Array = {},
    change: WireChange = {},
  ): Promise<WireAnswer> {
    const body =
      typeof input === 'string' || input instanceof Uint8Array ? input : JSON.stringify(input)
    return this.send(body, { target: `TrentService.${operation}`, ...change })
  }

  /** Asserts nothing of the reply but that there is one. */
  send(body: string | Uint8Array, change: WireChange = {}): Promise<WireAnswer> {
    const bytes = Buffer.from(body)
    const headers = this.#headers(bytes, change)
    return new Promise((resolve, reject) => {
      const { hostname, port } = this.#endpoint
      const { method = 'POST', path = '/' } = change
      const request = httpRequest(
        { hostname, port, method, path, headers, agent: this.#agent },
        (response) => {
          const pieces: Buffer[] = []
          response.on('data', (piece: Buffer) => pieces.push(piece))
          response.on('error', reject)
          response.on('end', () => {
            const text = Buffer.concat(pieces).toString('utf8')
            const known = response.headers
            const single = Object.fromEntries(
              Object.entries(known).map(([name, value]) => [name, String(value)]),
            )
            resolve({
              status: response.statusCode ?? 0,
              headers: single,
              text,
              json: jsonOf(text),
              requestId: single['x-amzn-requestid'] ?? '',
            })
          })
        },
      )
      request.on('error', reject)
      request.end(bytes)
    })
  }

  /** Ends the idle connections. */
  close(): void {
    this.#agent.destroy()
  }

  #headers(body: Buffer, change: WireChange): Record<string, string> {
    const time = new Date(change.signedAt ?? Date.now()).toISOString()
    const stamp = time.replace(/[:-]|\.\d{3}/g, '')
    const headers: Record<string, string> = {}
    const wanted: Record<string, string | undefined> = {
      host: this.#endpoint.host,
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-date': stamp,
      'x-amz-target': change.target,
      ...change.headers,
    }
    for (const [name, value] of Object.entries(wanted)) {
      if (value !== undefined) headers[name] = value
    }
    const made = this.#authorization(headers, body, stamp, change)
    const authorization = change.authorization === undefined ? made : change.authorization(made)
    if (authorization !== undefined) headers['authorization'] = authorization
    return { ...headers, ...change.unsignedHeaders }
  }

  #authorization(
    headers: Readonly<Record<string, string>>,
    body: Buffer,
    stamp: string,
    change: WireChange,
  ): string {
    const { method = 'POST', path = '/', secret = this.#secret, leaveUnsigned = [] } = change
    const { region = this.#region, service = 'kms' } = change
    const names = Object.keys(headers)
      .filter((name) => !leaveUnsigned.includes(name))
      .sort()
    const lines = names.map((name) => `${name}:${headers[name]}\n`).join('')
    const [uri, query = ''] = path.split('?')
    const canonical = `${method}\n${uri}\n${query}\n${lines}\n${names.join(';')}\n${hash('sha256', body)}`
    const scope = `${stamp.slice(0, 8)}/${region}/${service}/aws4_request`
    const text = `AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${hash('sha256', canonical)}`
    let key: string | Buffer = `AWS4${secret}`
    for (const part of scope.split('/')) key = hmac(key, part)
    const signature = hmac(key, text).toString('hex')
    return `AWS4-HMAC-SHA256 Credential=${this.#accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  }
}

function jsonOf(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text)
    // The tests that look at members say what they expect of each.
    return typeof value === 'object' && value !== null ? (value as JsonObject) : {}
  } catch {
    return {}
  }
}

/** Asserts a success and gives the members of its body. */
export function succeeded(answer: WireAnswer): JsonObject {
  assert.equal(answer.status, 200, answer.text)
  return answer.json
}

/** Asserts a refusal: its code, its whole body with AWS's spelling of the message member, its status. */
export function refused(
  answer: WireAnswer,
  code: string,
  message?: string | RegExp,
  status = 400,
): void {
  const member =
    code === 'AccessDeniedException' || code === 'SerializationException' ? 'Message' : 'message'
  const told = answer.json[member]
  assert.equal(answer.json['__type'], code, answer.text)
  assert.equal(answer.status, status, answer.text)
  assert.deepEqual(
    Object.keys(answer.json),
    message === undefined ? ['__type'] : ['__type', member],
    answer.text,
  )
  if (message instanceof RegExp) assert.match(typeof told === 'string' ? told : '', message)
  else assert.equal(told, message)
}

/** A member that is text; fails where it is none. */
export function textOf(members: JsonObject, name: string): string {
  const value = members[name]
  assert.ok(typeof value === 'string', `${name} is no text in ${JSON.stringify(members)}`)
  return value
}

/** A member that is an object; fails where it is none. */
export function membersOf(members: JsonObject, name: string): JsonObject {
  const value = members[name]
  assert.ok(
    typeof value === 'object' && value !== null && !Array.isArray(value),
    `${name} is no object in ${JSON.stringify(members)}`,
  )
  // The assertion has just ruled out everything else that JSON has.
  return value as JsonObject
}

/** A member that is a list of objects; fails where it is no list. */
export function listOf(members: JsonObject, name: string): readonly JsonObject[] {
  const value = members[name]
  assert.ok(Array.isArray(value), `${name} is no list in ${JSON.stringify(members)}`)
  return value
}

/** Makes a key. */
export async function createKey(
  client: WireClient,
  input: object = {},
): Promise<{ readonly id: string; readonly arn: string }> {
  const metadata = membersOf(succeeded(await client.kms('CreateKey', input)), 'KeyMetadata')
  return { id: textOf(metadata, 'KeyId'), arn: textOf(metadata, 'Arn') }
}

/** Base64, as blobs are on the wire. */
export const blob = (text: string | Uint8Array): string => Buffer.from(text).toString('base64')
