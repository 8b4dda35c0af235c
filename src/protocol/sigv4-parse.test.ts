import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { wireRequest } from '../../test/support/wire-request.ts'
import { ServiceError } from '../core/errors.ts'
import { SignatureParser } from './sigv4.ts'
import { credentialScopeOf } from './sigv4-parse.ts'

const peekHeader = (authorization: string) =>
  credentialScopeOf(wireRequest({ headers: ['Authorization', authorization] }))
const peekQuery = (query: string) => credentialScopeOf(wireRequest({ target: `/?${query}` }))

test('the scope of a header is found, wherever the credential stands in it', () => {
  const expected = { accessKeyId: 'AKID', region: 'eu-central-1', service: 'kms' }
  const credential = 'Credential=AKID/20260102/eu-central-1/kms/aws4_request'
  for (const header of [
    `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=host, Signature=00`,
    `AWS4-HMAC-SHA256 SignedHeaders=host,Signature=00,${credential}`,
    `AWS4-HMAC-SHA256 ${credential} `,
  ]) {
    assert.deepEqual(peekHeader(header), expected)
  }
})

test('the scope of a presigned query is found', () => {
  assert.deepEqual(
    peekQuery('Action=X&X-Amz-Credential=AKID%2F20260102%2Fus-east-1%2Fsts%2Faws4_request'),
    { accessKeyId: 'AKID', region: 'us-east-1', service: 'sts' },
  )
})

test('the scope of SigV4a has no Region', () => {
  assert.deepEqual(
    peekHeader('AWS4-ECDSA-P256-SHA256 Credential=AKID/20260102/s3/aws4_request, Signature=00'),
    { accessKeyId: 'AKID', region: undefined, service: 's3' },
  )
})

test('what has no scope gives none', () => {
  assert.equal(credentialScopeOf(wireRequest({})), undefined)
  assert.equal(peekHeader('Bearer x'), undefined)
  assert.equal(peekHeader('AWS4-HMAC-SHA256 Credential=AKID/kms'), undefined)
  assert.equal(
    peekHeader(`AWS4-HMAC-SHA256 Credential=${'/'.repeat(4)}${'x'.repeat(600)}`),
    undefined,
  )
  assert.equal(peekQuery('Action=GetCallerIdentity&Version=2011-06-15'), undefined)
  assert.equal(peekQuery('X-Amz-Credential'), undefined)
})

const noise = fc.string({ unit: 'binary', maxLength: 30 })
const soup = fc
  .array(
    fc.oneof(
      noise,
      fc.constantFrom(
        'AWS4-HMAC-SHA256 ',
        'Credential=AKID/20260102/eu-central-1/kms/aws4_request',
        'SignedHeaders=host;x-amz-date',
        'Signature=00',
        ',',
        ' ',
        '=',
        '/',
        '%',
        '&',
        '?',
        ';',
        '..',
        '%2',
        '%zz',
        'X-Amz-Algorithm=AWS4-HMAC-SHA256',
        'X-Amz-Credential=',
        'X-Amz-Date=20260102T030405Z',
        'X-Amz-Signature=',
        'X-Amz-SignedHeaders=host',
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''))

test('whatever is sent, parsing ends in a signature or a refusal and peeking never throws', () => {
  const parser = new SignatureParser()
  fc.assert(
    fc.property(soup, soup, fc.array(noise, { maxLength: 4 }), (authorization, target, names) => {
      const headers = [
        'Host',
        'h',
        'X-Amz-Date',
        '20260102T030405Z',
        'Authorization',
        authorization,
      ]
      for (const request of [
        wireRequest({
          target: `/${target}`,
          headers: [...headers, ...names.flatMap((name) => [name, ''])],
        }),
        wireRequest({ target: `/?${target}`, headers: headers.slice(0, 2) }),
      ]) {
        credentialScopeOf(request)
        try {
          parser.parse(request, { now: Date.UTC(2026, 0, 2, 3, 4, 5), service: 'kms' })
        } catch (error) {
          assert.ok(error instanceof ServiceError, String(error))
        }
      }
    }),
    { numRuns: 500 },
  )
})
