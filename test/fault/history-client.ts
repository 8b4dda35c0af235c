import { createHmac, hash } from 'node:crypto'
import { Agent, request } from 'node:http'

/** Who signs. */
export interface Principal {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export type ServiceName = 'kms' | 'iam' | 'sts'

/** What came back; the status is 0 where nothing did. */
export interface HistoryReply {
  readonly status: number
  /** The code of an error; empty where there is none. */
  readonly code: string
  readonly body: string
  readonly requestId: string | undefined
}

export const REGION = 'eu-central-1'
const CONTENT_TYPES = {
  kms: 'application/x-amz-json-1.1',
  iam: 'application/x-www-form-urlencoded',
  sts: 'application/x-www-form-urlencoded',
}
const VERSIONS = { iam: '2010-05-08', sts: '2011-06-15' }
const NOTHING: HistoryReply = { status: 0, code: '', body: '', requestId: undefined }
/** Longer than any pause of a node, so that what waited for it is answered. */
const PATIENCE_MS = 7500

const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()

/** Calls KMS, IAM and STS with one signed request each: no retry hides anything. */
export class HistoryClient implements Disposable {
  // In turn, so that none rests for long: a server that leaves ends those that are used with their next answer.
  readonly #agent = new Agent({ keepAlive: true, scheduling: 'fifo' })
  readonly #keys = new Map<string, Buffer>()

  call(
    endpoint: string,
    who: Principal,
    service: ServiceName,
    operation: string,
    input: Readonly<Record<string, unknown>>,
  ): Promise<HistoryReply> {
    const body =
      service === 'kms'
        ? JSON.stringify(input)
        : String(
            new URLSearchParams({
              Action: operation,
              Version: VERSIONS[service],
              ...Object.fromEntries(
                Object.entries(input).map(([name, value]) => [name, String(value)]),
              ),
            }),
          )
    const url = new URL(endpoint)
    const headers = this.#signed(url.host, who, service, operation, body)
    return new Promise((resolve) => {
      const sent = request(url, { method: 'POST', agent: this.#agent, headers })
      const timer = setTimeout(() => sent.destroy(), PATIENCE_MS)
      const end = (reply: HistoryReply): void => {
        clearTimeout(timer)
        resolve(reply)
      }
      sent.on('error', () => end(NOTHING))
      sent.on('response', (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        response.on('error', () => end(NOTHING))
        response.on('end', () => {
          const requestId = response.headers['x-amzn-requestid']
          end({
            status: response.statusCode ?? 0,
            code: response.statusCode === 200 ? '' : codeIn(text),
            body: text,
            requestId: typeof requestId === 'string' ? requestId : undefined,
          })
        })
      })
      sent.end(body)
    })
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }

  /** Source: AWS General Reference, Signature Version 4 signing process. */
  #signed(
    host: string,
    who: Principal,
    service: ServiceName,
    operation: string,
    body: string,
  ): Record<string, string> {
    const time = new Date().toISOString().replace(/[:-]|\.\d{3}/g, '')
    const headers: Record<string, string> = {
      'content-type': CONTENT_TYPES[service],
      host,
      'x-amz-date': time,
      ...(who.sessionToken !== undefined && { 'x-amz-security-token': who.sessionToken }),
      ...(service === 'kms' && { 'x-amz-target': `TrentService.${operation}` }),
    }
    const scope = `${time.slice(0, 8)}/${REGION}/${service}/aws4_request`
    const names = Object.keys(headers).join(';')
    const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`)
    const canonical = `POST\n/\n\n${lines.join('')}\n${names}\n${hash('sha256', body)}`
    const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash('sha256', canonical)}`
    const signature = createHmac('sha256', this.#keyOf(who, scope)).update(text).digest('hex')
    const credential = `Credential=${who.accessKeyId}/${scope}`
    headers['authorization'] =
      `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${names}, Signature=${signature}`
    return headers
  }

  #keyOf(who: Principal, scope: string): Buffer {
    const name = `${who.accessKeyId}/${scope}`
    let key = this.#keys.get(name)
    if (key === undefined) {
      key = scope.split('/').reduce(hmac, Buffer.from(`AWS4${who.secretAccessKey}`))
      this.#keys.set(name, key)
    }
    return key
  }
}

/** Of both protocols. */
const codeIn = (body: string): string =>
  /"__type"\s*:\s*"(?:[^"#]*#)?([^"]+)"/.exec(body)?.[1] ??
  /<Code>([^<]+)<\/Code>/.exec(body)?.[1] ??
  'no code'

/** A member of a reply of KMS, a text, wherever it stands. */
export function memberOf(reply: HistoryReply, name: string): string {
  const found =
    new RegExp(`"${name}"\\s*:\\s*"([^"]*)"`).exec(reply.body)?.[1] ??
    new RegExp(`<${name}>([^<]*)</${name}>`).exec(reply.body)?.[1]
  if (found === undefined) throw new Error(`no ${name} in ${reply.body.slice(0, 300)}`)
  return found
}
