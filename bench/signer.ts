import { createHmac, hash, randomUUID } from 'node:crypto'

export interface SigningIdentity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
}

export interface KmsCall {
  /** `Encrypt`, for example. */
  readonly operation: string
  /** The JSON body. */
  readonly body: string
  /** Not signed; what the audit log records of the program. */
  readonly userAgent?: string
}

const DEFAULT_USER_AGENT =
  'aws-sdk-js/3.1162.0 ua/2.1 os/linux#6.12.0 lang/js md/nodejs#26.10.0 api/kms#3.1162.0 m/N,E,e'

/**
 * Signs KMS calls with Signature Version 4, with the headers and the set of signed headers that the
 * AWS SDK for JavaScript v3 sends. Independent of the server's own verification on purpose.
 *
 * Source: AWS General Reference, Signature Version 4 signing process; headers as sent by
 * @aws-sdk/client-kms 3.1162.0.
 */
export class RequestSigner {
  readonly #identity: SigningIdentity
  readonly #host: string
  #date = ''
  #signingKey: Buffer = Buffer.alloc(0)

  /** @param host Value of the Host header: `127.0.0.1:7600`. */
  constructor(identity: SigningIdentity, host: string) {
    this.#identity = identity
    this.#host = host
  }

  /** Header names and values, in the order in which the SDK sends them. Signed for the current time. */
  headers(call: KmsCall): Record<string, string> {
    const time = new Date().toISOString().replace(/[:-]|\.\d{3}/g, '')
    const headers: Record<string, string> = {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `TrentService.${call.operation}`,
      'content-length': String(Buffer.byteLength(call.body)),
      'x-amz-user-agent': 'aws-sdk-js/3.1162.0',
      'user-agent': call.userAgent ?? DEFAULT_USER_AGENT,
      host: this.#host,
      'amz-sdk-invocation-id': randomUUID(),
      'amz-sdk-request': 'attempt=1; max=3',
      'x-amz-date': time,
      'x-amz-content-sha256': hash('sha256', call.body),
    }
    headers['authorization'] = this.#authorization(headers, time)
    headers['connection'] = 'keep-alive'
    return headers
  }

  /** The whole request as it goes over the wire. */
  request(call: KmsCall): Buffer {
    const lines = Object.entries(this.headers(call)).map(([name, value]) => `${name}: ${value}`)
    return Buffer.from(`POST / HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${call.body}`)
  }

  #authorization(headers: Readonly<Record<string, string>>, time: string): string {
    const signed = Object.keys(headers)
      .filter((name) => name !== 'user-agent')
      .sort()
    const names = signed.join(';')
    const canonicalHeaders = signed.map((name) => `${name}:${headers[name]}\n`).join('')
    const canonical = `POST\n/\n\n${canonicalHeaders}\n${names}\n${headers['x-amz-content-sha256']}`
    const date = time.slice(0, 8)
    const scope = `${date}/${this.#identity.region}/kms/aws4_request`
    const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash('sha256', canonical)}`
    const signature = createHmac('sha256', this.#keyOf(date)).update(toSign).digest('hex')
    return `AWS4-HMAC-SHA256 Credential=${this.#identity.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`
  }

  #keyOf(date: string): Buffer {
    if (this.#date !== date) {
      this.#signingKey = [date, this.#identity.region, 'kms', 'aws4_request'].reduce(
        (key, part) => createHmac('sha256', key).update(part).digest(),
        Buffer.from(`AWS4${this.#identity.secretAccessKey}`),
      )
      this.#date = date
    }
    return this.#signingKey
  }
}
