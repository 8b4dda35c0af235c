import { hash } from 'node:crypto'
import { bucketOf, signatureFileOf } from '../../audit/trail/trail-format.ts'
import { DependencyError } from '../../core/errors.ts'
import type { Region } from '../../core/ids.ts'
import type { Clock } from '../../core/ports.ts'
import { type SigningCredentials, signedHeaders } from '../../protocol/sigv4-sign.ts'
import { type Answer, HttpSender } from '../http-sender.ts'
import type { ShipDestination, ShippedObject } from './destination.ts'

/** Of one request: files of an hour may be large, and lines slow. */
const TIMEOUT_MS = 60_000

export interface S3DestinationOptions {
  readonly name: string
  readonly endpoint: URL
  readonly region: Region
  /** One bucket for all, with the trail's bucket as the first folder; each its own, named as the trail's, where absent. */
  readonly bucket: string | undefined
  /** Letters, digits, `-_.` and `/`, without one at its ends; empty for none. */
  readonly prefix: string
  /** Asked before every request, because credentials change. */
  readonly credentials: () => SigningCredentials
  readonly machine: Clock
  readonly timeoutMs?: number | undefined
}

/**
 * Ships to a store that speaks the protocol of Amazon S3, in path style. The signature of a digest is in its metadata, as
 * CloudTrail has it, and beside it in `.sig`, so that a plain copy of the bucket can be verified like a folder.
 */
export class S3Destination implements ShipDestination {
  readonly name: string
  readonly #options: S3DestinationOptions
  readonly #sender = new HttpSender()

  constructor(options: S3DestinationOptions) {
    this.name = options.name
    this.#options = options
  }

  async put(accountId: string, object: ShippedObject, signal: AbortSignal): Promise<void> {
    const { signature } = object.metadata
    if (signature !== undefined) {
      const body = Buffer.from(`${signature}\n`)
      const key = signatureFileOf(object.key)
      await this.#putChecked(accountId, { ...object, key, body, metadata: {} }, signal)
    }
    await this.#putChecked(accountId, object, signal)
  }

  close(): void {
    this.#sender.close()
  }

  async #putChecked(
    accountId: string,
    { key, body, metadata }: ShippedObject,
    signal: AbortSignal,
  ): Promise<void> {
    const url = this.#urlOf(accountId, key)
    const described = Object.entries(metadata).map(
      ([name, value]) => [`x-amz-meta-${name}`, value] as const,
    )
    const headers = {
      'content-type': 'application/octet-stream',
      'content-md5': hash('md5', body, 'base64'),
      ...Object.fromEntries(described),
    }
    const put = await this.#send('PUT', url, headers, body, signal)
    if (put.status !== 200) throw refused(put)
    const head = await this.#send('HEAD', url, {}, Buffer.alloc(0), signal)
    if (head.status !== 200) throw refused(head)
    const isWhole =
      head.headers['content-length'] === String(body.length) &&
      isEtagOf(head, body) &&
      described.every(([name, value]) => head.headers[name] === value)
    if (!isWhole) throw new DependencyError('what was put is not what is there')
  }

  #urlOf(accountId: string, key: string): URL {
    const { endpoint, bucket, prefix } = this.#options
    const own = bucketOf(accountId)
    const parts = bucket === undefined ? [own] : [bucket, ...(prefix === '' ? [] : [prefix]), own]
    return new URL(`${endpoint.pathname.replace(/\/$/, '')}/${[...parts, key].join('/')}`, endpoint)
  }

  #send(
    method: 'PUT' | 'HEAD',
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: Buffer,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { region, credentials, machine, timeoutMs = TIMEOUT_MS } = this.#options
    const request = {
      method,
      url,
      headers,
      body,
      region,
      service: 's3',
      pathStyle: 's3',
      time: machine.now(),
    } as const
    const signed = signedHeaders(request, credentials())
    return this.#sender.send({ method, url, headers: signed, body, signal, timeoutMs })
  }
}

/** An ETag is the MD5 of what was put, unless the store encrypts with a key of KMS or of the customer. */
function isEtagOf({ headers }: Answer, body: Buffer): boolean {
  const isOther =
    headers['x-amz-server-side-encryption']?.includes('kms') === true ||
    headers['x-amz-server-side-encryption-customer-algorithm'] !== undefined
  return isOther || headers['etag'] === `"${hash('md5', body, 'hex')}"`
}

/** `it answered 403 AccessDenied`; nothing else of what the store said. */
function refused({ status, body }: Answer): DependencyError {
  const code = /<Code>(\w{1,64})<\/Code>/.exec(body)?.[1]
  return new DependencyError(`it answered ${status}${code === undefined ? '' : ` ${code}`}`)
}
