import { createHash, createHmac } from 'node:crypto'
import type { Instant, Region } from '../core/ids.ts'
import { Secret } from '../core/secret.ts'
import { canonicalPath, type PathStyle } from './sigv4-canonical.ts'
import { deriveSigningKey } from './sigv4-keys.ts'

/** As whom a request is signed. */
export interface SigningCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** A request of ours to another server. Its URL has no query. */
export interface RequestToSign {
  readonly method: string
  readonly url: URL
  /** Lower-case names; all of them are signed. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly region: Region
  readonly service: string
  readonly pathStyle: PathStyle
  readonly time: Instant
}

const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex')

/**
 * The headers of a request, with those that sign it.
 * **Source:** AWS IAM User Guide, Create a signed AWS API request.
 */
export function signedHeaders(
  request: RequestToSign,
  { accessKeyId, secretAccessKey, sessionToken }: SigningCredentials,
): Record<string, string> {
  const { method, url, body, region, service, pathStyle, time } = request
  const stamp = new Date(time).toISOString().replace(/[:-]|\.\d{3}/g, '')
  const date = stamp.slice(0, 8)
  const bodyHash = sha256(body)
  const headers: Record<string, string> = {
    ...request.headers,
    host: url.host,
    'x-amz-date': stamp,
    ...(pathStyle === 's3' && { 'x-amz-content-sha256': bodyHash }),
    ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
  }
  const names = Object.keys(headers).sort()
  const lines = names.map((name) => `${name}:${headers[name]?.trim() ?? ''}\n`).join('')
  const path = canonicalPath(url.pathname, pathStyle)
  const canonical = [method, path, '', lines, names.join(';'), bodyHash].join('\n')
  const scope = `${date}/${region}/${service}/aws4_request`
  using secret = new Secret(new TextEncoder().encode(secretAccessKey))
  const signature = createHmac('sha256', deriveSigningKey(secret, { date, region, service }))
    .update(`AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${sha256(canonical)}`)
    .digest('hex')
  const credential = `${accessKeyId}/${scope}`
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  return { ...headers, authorization }
}
