import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { request as requestTls, Agent as TlsAgent } from 'node:https'
import { RequestSigner, type SigningIdentity } from './signer.ts'

export type JsonObject = Readonly<Record<string, unknown>>

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The parsed JSON body; an empty body gives an empty object. */
  readonly body: JsonObject
}

/** A minimal KMS client without retries: one signed HTTP request per call, nothing hidden. */
export class KmsCaller implements Disposable {
  readonly #url: URL
  readonly #signer: RequestSigner
  readonly #agent: Agent

  /** @param ca for an `https:` endpoint, whose certificate the server's is to be of (PEM) */
  constructor(endpoint: string, identity: SigningIdentity, connectionsMax: number, ca?: string) {
    this.#url = new URL(endpoint)
    this.#signer = new RequestSigner(identity, this.#url.host)
    const options = { keepAlive: true, maxSockets: connectionsMax }
    this.#agent = ca === undefined ? new Agent(options) : new TlsAgent({ ...options, ca })
  }

  /** Rejects only when no complete answer came; a refusal is an answer. */
  call(operation: string, input: object, userAgent?: string): Promise<Answer> {
    const body = JSON.stringify(input)
    const headers = this.#signer.headers({
      operation,
      body,
      ...(userAgent === undefined ? {} : { userAgent }),
    })
    return new Promise((resolve, reject) => {
      const send = this.#url.protocol === 'https:' ? requestTls : request
      const sent = send(this.#url, { method: 'POST', agent: this.#agent, headers })
      sent.on('error', reject)
      sent.on('response', (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          try {
            const parsed = parseBody(Buffer.concat(chunks).toString())
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parsed })
          } catch (cause) {
            reject(cause)
          }
        })
      })
      sent.end(body)
    })
  }

  /** As `call`, and throws unless the answer is 200. */
  async succeed(operation: string, input: object, userAgent?: string): Promise<JsonObject> {
    const answer = await this.call(operation, input, userAgent)
    if (answer.status !== 200)
      throw new Error(`${operation}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseBody(text: string): JsonObject {
  if (text === '') return {}
  const value: unknown = JSON.parse(text)
  if (!isObject(value)) throw new Error(`not a JSON object: ${text.slice(0, 200)}`)
  return value
}

/** The object below `name`. Throws when there is none. */
export function objectOf(body: JsonObject, name: string): JsonObject {
  const value = body[name]
  if (!isObject(value)) throw new Error(`no object ${name} in ${JSON.stringify(body)}`)
  return value
}

/** The string below `name`. Throws when there is none. */
export function stringOf(body: JsonObject, name: string): string {
  const value = body[name]
  if (typeof value !== 'string') throw new Error(`no string ${name} in ${JSON.stringify(body)}`)
  return value
}

/** The list of objects below `name`. Throws when there is none. */
export function listOf(body: JsonObject, name: string): readonly JsonObject[] {
  const value = body[name]
  if (!Array.isArray(value) || !value.every(isObject))
    throw new Error(`no list of objects ${name} in ${JSON.stringify(body)}`)
  return value
}
