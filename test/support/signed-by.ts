import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { parseAccountId } from '../../src/core/ids.ts'
import type { HttpRequest } from '../../src/core/transport.ts'
import type { Codec } from '../../src/pipeline/codec.ts'
import type { Service } from '../../src/pipeline/service.ts'
import { wireRequest } from './wire-request.ts'

/** The machine's time in these tests. */
export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5)
const STAMP = '20260102T030405Z'
export const ACCOUNT = parseAccountId('111122223333') ?? assert.fail()

/** Authentication looks at the name alone. */
export const KMS: Service = {
  name: 'kms',
  eventSource: 'kms.amazonaws.com',
  codec: {} as Codec,
  operations: new Map(),
  internalError: 'InternalFailure',
  openScope: (scope) => scope,
}

export interface Signer {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** A signed request, signed apart from the code under test. */
export function signedBy(signer: Signer, region = 'eu-central-1', token?: string): HttpRequest {
  const names = token === undefined ? 'host;x-amz-date' : 'host;x-amz-date;x-amz-security-token'
  const tokenLine = token === undefined ? '' : `x-amz-security-token:${token}\n`
  const scope = `20260102/${region}/kms/aws4_request`
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
  const canonical = `POST\n/\n\nhost:h\nx-amz-date:${STAMP}\n${tokenLine}\n${names}\n${sha256('')}`
  let key: string | Buffer = `AWS4${signer.secretAccessKey}`
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest()
  const text = `AWS4-HMAC-SHA256\n${STAMP}\n${scope}\n${sha256(canonical)}`
  const signature = createHmac('sha256', key).update(text).digest('hex')
  return wireRequest({
    headers: [
      'Host',
      'h',
      'X-Amz-Date',
      STAMP,
      ...(token === undefined ? [] : ['X-Amz-Security-Token', token]),
      'Authorization',
      `AWS4-HMAC-SHA256 Credential=${signer.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
    ],
  })
}
