import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  AUTHORIZATION,
  CREDENTIAL,
  DATE,
  DIFFERS_TEXT,
  INCOMPLETE,
  INVALID,
  MISSING,
  parse,
  presigned,
  refuses,
  signedBy,
} from '../../test/support/signed-request.ts'
import { wireRequest } from '../../test/support/wire-request.ts'
import { ServiceError } from '../core/errors.ts'
import { sessionExpired, signatureDiffers, unrecognizedClient } from './sigv4-errors.ts'

const MISSING_TEXT = 'Request is missing Authentication Token'

describe('no credentials', () => {
  test('a request without any is refused', () => {
    refuses(wireRequest({}), MISSING, MISSING_TEXT)
    refuses(wireRequest({ target: '/?Action=GetCallerIdentity' }), MISSING, MISSING_TEXT)
  })

  for (const scheme of ['', 'AWS4', 'Basic dXNlcjpwYXNz', 'Bearer x', 'AWS AKID:signature']) {
    test(`the scheme '${scheme}' is none of ours`, () => {
      refuses(signedBy(scheme), MISSING, MISSING_TEXT)
    })
  }

  test('a header named constructor is not taken for one of ours', () => {
    refuses(wireRequest({ headers: ['constructor', AUTHORIZATION] }), MISSING, MISSING_TEXT)
  })
})

describe('two signatures', () => {
  test('a header and a presigned query exclude each other', () => {
    for (const parameter of [
      'X-Amz-Algorithm=AWS4-HMAC-SHA256',
      'X-Amz-Signature=00',
      'X-Amz-%53ignature',
    ]) {
      const request = { ...signedBy(AUTHORIZATION), target: `/?a=b&${parameter}` }
      refuses(
        request,
        INVALID,
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
      )
    }
  })

  test('a second Authorization header is refused', () => {
    const request = wireRequest({
      headers: ['Authorization', AUTHORIZATION, 'authorization', AUTHORIZATION],
    })
    refuses(request, INVALID, "The header 'authorization' must be sent only once.")
  })

  test('a repeated parameter of the header is refused', () => {
    const authorization = `${AUTHORIZATION}, Signature=${'1'.repeat(64)}`
    refuses(
      signedBy(authorization),
      INCOMPLETE,
      `Authorization header must not repeat 'Signature' parameter. Authorization=${authorization}`,
    )
  })

  test('a repeated parameter of the query is refused', () => {
    refuses(
      presigned((query) => query.append('X-Amz-Credential', CREDENTIAL)),
      INCOMPLETE,
      "AWS query-string parameters must not repeat 'X-Amz-Credential'. Re-examine the query-string parameters.",
    )
  })
})

describe('missing parts', () => {
  test('everything that is missing is named, the date included', () => {
    refuses(
      wireRequest({ headers: ['Authorization', 'AWS4-'] }),
      INCOMPLETE,
      "Authorization header requires 'Credential' parameter. " +
        "Authorization header requires 'Signature' parameter. " +
        "Authorization header requires 'SignedHeaders' parameter. " +
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. " +
        'Authorization=AWS4-',
    )
  })

  for (const [part, authorization] of [
    ['Credential', 'AWS4-HMAC-SHA256 Credential=, SignedHeaders=host, Signature=00'],
    ['Signature', `AWS4-HMAC-SHA256 Credential=${CREDENTIAL}, SignedHeaders=host`],
    ['SignedHeaders', `AWS4-HMAC-SHA256 Credential=${CREDENTIAL}, Signature=00`],
  ] as const) {
    test(`${part} is required in the header`, () => {
      refuses(
        signedBy(authorization),
        INCOMPLETE,
        `Authorization header requires '${part}' parameter. Authorization=${authorization}`,
      )
    })
  }

  test('the date is required', () => {
    refuses(
      wireRequest({ headers: ['Host', 'localhost', 'Authorization', AUTHORIZATION] }),
      INCOMPLETE,
      `Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=${AUTHORIZATION}`,
    )
  })

  test('a part without an equal-sign is refused', () => {
    const authorization = 'AWS4-HMAC-SHA256 Signature=b,    Credential,    SignedHeaders'
    refuses(
      signedBy(authorization),
      INCOMPLETE,
      `'Credential' not a valid key=value pair (missing equal-sign) in Authorization header: '${authorization}'.`,
    )
  })

  test('all parts but the lifetime are required in the query', () => {
    const names = ['Algorithm', 'Credential', 'Signature', 'SignedHeaders', 'Date']
    for (const name of names.map((part) => `X-Amz-${part}`)) {
      refuses(
        presigned((query) => query.set(name, '')),
        INCOMPLETE,
        `AWS query-string parameters must include '${name}'. Re-examine the query-string parameters.`,
      )
    }
    refuses(
      wireRequest({ target: '/?X-Amz-Algorithm' }),
      INCOMPLETE,
      names.map((part) => `AWS query-string parameters must include 'X-Amz-${part}'. `).join('') +
        'Re-examine the query-string parameters.',
    )
    assert.equal(parse(presigned((query) => query.delete('X-Amz-Expires'))).form, 'query')
  })
})

describe('host, algorithm and scope', () => {
  test('the host must be signed, whatever its case', () => {
    const message = "'Host' must be a 'SignedHeader' in the AWS Authorization."
    refuses(signedBy(AUTHORIZATION.replace('host;', '')), INVALID, message)
    refuses(signedBy(AUTHORIZATION.replace('host;x-amz-date', '')), INVALID, message)
    refuses(signedBy(AUTHORIZATION.replace('host', 'Host')), INVALID, DIFFERS_TEXT)
  })

  for (const algorithm of ['AWS4-HMAC-SHA25', 'AWS4-ECDSA-P256-SHA256', 'aws4-hmac-sha256']) {
    test(`${algorithm} is not supported`, () => {
      const message = `Unsupported AWS 'algorithm': '${algorithm}' (only AWS4-HMAC-SHA256 for now). `
      if (algorithm.startsWith('AWS4-')) {
        refuses(signedBy(AUTHORIZATION.replace('AWS4-HMAC-SHA256', algorithm)), INCOMPLETE, message)
      }
      refuses(
        presigned((query) => query.set('X-Amz-Algorithm', algorithm)),
        INCOMPLETE,
        message,
      )
    })
  }

  for (const credential of ['a/b/c/d', 'a', `${CREDENTIAL}/`, `x/${CREDENTIAL}`]) {
    test(`the credential '${credential}' has not five elements`, () => {
      refuses(
        signedBy(AUTHORIZATION.replace(CREDENTIAL, credential)),
        INCOMPLETE,
        `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credential}'`,
      )
    })
  }

  test('all that is wrong with a scope is said at once', () => {
    refuses(
      signedBy(AUTHORIZATION.replace(CREDENTIAL, 'a/b/c/d/e')),
      INVALID,
      "Credential should be scoped to a valid region, not 'c'. " +
        "Credential should be scoped to correct service: 'kms'. " +
        "Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. " +
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: 'b' != '20260102', from '20260102T030405Z'.",
    )
  })

  test('a scope date that only begins like the day is refused', () => {
    refuses(
      signedBy(AUTHORIZATION.replace('/20260102/', '/2026010/')),
      INVALID,
      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '2026010' != '20260102', from '20260102T030405Z'.",
    )
  })
})

describe('precedence: of two faults the earlier check speaks', () => {
  const faults = [
    [
      'parts',
      (text: string) => text.replace(/, Signature.*/, ''),
      INCOMPLETE,
      /requires 'Signature'/,
    ],
    ['time', undefined, INVALID, /^Signature expired/],
    ['host', (text: string) => text.replace('host;', ''), INVALID, /^'Host' must/],
    ['algorithm', (text: string) => text.replace('SHA256', 'SHA1'), INCOMPLETE, /^Unsupported/],
    [
      'shape',
      (text: string) => text.replace('/kms', '/kms/x'),
      INCOMPLETE,
      /^Credential must have/,
    ],
    ['scope', (text: string) => text.replace('eu-central-1', 'mars'), INVALID, /valid region/],
    ['unsigned header', undefined, INVALID, /^There were headers/],
  ] as const
  for (const [first, fault] of faults.entries()) {
    test(`${fault[0]} comes before all that follow`, () => {
      const later = faults.slice(first)
      const has = (name: string): boolean => later.some(([each]) => each === name)
      const authorization = later.reduce(
        (text, [name, change]) =>
          // A credential of six elements has no Region to be wrong as well.
          name === 'scope' && has('shape') ? text : (change?.(text) ?? text),
        AUTHORIZATION,
      )
      const headers = [
        'Host',
        'h',
        'Authorization',
        authorization,
        'X-Amz-Date',
        has('time') ? '20200102T030405Z' : DATE,
        'X-Amz-Target',
        'TrentService.Encrypt',
      ]
      assert.throws(
        () => parse(wireRequest({ headers })),
        (error) =>
          error instanceof ServiceError &&
          error.code === fault[2] &&
          fault[3].test(error.publicMessage ?? ''),
      )
    })
  }
})

test('the caller has words for what only it can know', () => {
  const said = [unrecognizedClient(), sessionExpired(), signatureDiffers()].map((error) => [
    error.code,
    error.publicMessage,
  ])
  assert.deepEqual(said, [
    ['UnrecognizedClientException', 'The security token included in the request is invalid.'],
    ['ExpiredTokenException', 'The security token included in the request is expired'],
    ['InvalidSignatureException', DIFFERS_TEXT],
  ])
})
