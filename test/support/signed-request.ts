import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { ServiceError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import type { HttpRequest } from '../../src/core/transport.ts'
import { type Signature, SignatureParser, verifySignature } from '../../src/protocol/sigv4.ts'
import { deriveSigningKey } from '../../src/protocol/sigv4-keys.ts'
import { wireRequest } from './wire-request.ts'

/** The machine's time in these tests, and the same as a signature has it. */
export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5)
export const DATE = '20260102T030405Z'
export const SCOPE = '20260102/eu-central-1/kms/aws4_request'
export const CREDENTIAL = `AKIDEXAMPLE/${SCOPE}`
const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
/** Sound in form, wrong in substance. */
export const AUTHORIZATION = authorizationOf('host;x-amz-date', '0'.repeat(64))

/** The Authorization header of these names and this signature. */
export function authorizationOf(signedHeaders: string, signature: string): string {
  return `AWS4-HMAC-SHA256 Credential=${CREDENTIAL}, SignedHeaders=${signedHeaders}, Signature=${signature}`
}

/** In hex. */
export const sha256 = (data: string | Buffer): string =>
  createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()

/** The signature of a canonical request, made from scratch. */
export function sign(canonicalRequest: string | Buffer): string {
  let key: string | Buffer = `AWS4${SECRET}`
  for (const part of SCOPE.split('/')) key = hmac(key, part)
  const text = `AWS4-HMAC-SHA256\n${DATE}\n${SCOPE}\n${sha256(canonicalRequest)}`
  return hmac(key, text).toString('hex')
}

/** What makes and verifies them. */
export const signingKey = deriveSigningKey(new Secret(new Uint8Array(Buffer.from(SECRET))), {
  date: '20260102',
  region: 'eu-central-1',
  service: 'kms',
})

/** By a parser that has seen nothing before. */
export const parse = (
  request: HttpRequest,
  rules: { readonly maxSkewMs?: number } = {},
): Signature => new SignatureParser().parse(request, { now: NOW, service: 'kms', ...rules })

export const verifies = (request: HttpRequest): boolean =>
  verifySignature(parse(request), signingKey)

/** A request with this Authorization header. */
export const signedBy = (authorization: string, date = DATE): HttpRequest =>
  wireRequest({
    headers: ['Host', 'localhost', 'X-Amz-Date', date, 'Authorization', authorization],
  })

/** A presigned request, sound in form but for `change`. */
export const presigned = (change: (parameters: URLSearchParams) => void): HttpRequest => {
  const parameters = new URLSearchParams({
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': CREDENTIAL,
    'X-Amz-Date': DATE,
    'X-Amz-Expires': '60',
    'X-Amz-SignedHeaders': 'host',
    'X-Amz-Signature': '0'.repeat(64),
  })
  change(parameters)
  const target = `/?${String(parameters).replaceAll('+', '%20')}`
  return wireRequest({ method: 'GET', target, headers: ['Host', 'localhost'] })
}

/** Asserts the code and the text. */
export function refuses(
  request: HttpRequest,
  code: string,
  message: string,
  rules: { readonly maxSkewMs?: number } = {},
): void {
  assert.throws(
    () => parse(request, rules),
    (error) => {
      assert.ok(error instanceof ServiceError)
      assert.deepEqual([error.code, error.publicMessage], [code, message])
      return true
    },
  )
}

export const MISSING = 'MissingAuthenticationTokenException'
export const INCOMPLETE = 'IncompleteSignatureException'
export const INVALID = 'InvalidSignatureException'
export const DIFFERS_TEXT =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.'
