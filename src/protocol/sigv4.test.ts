import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  AUTHORIZATION,
  CREDENTIAL,
  DATE,
  DIFFERS_TEXT,
  INVALID,
  NOW,
  parse,
  presigned,
  refuses,
  SCOPE,
  sha256,
  sign,
  signedBy,
  signingKey,
  verifies,
} from '../../test/support/signed-request.ts'
import { wireRequest } from '../../test/support/wire-request.ts'
import { ServiceError } from '../core/errors.ts'
import type { HttpRequest } from '../core/transport.ts'
import { SignatureParser, verifySignature } from './sigv4.ts'

describe('headers', () => {
  const signedWith = (extra: readonly string[]): HttpRequest =>
    wireRequest({
      headers: ['Host', 'localhost', 'X-Amz-Date', DATE, 'Authorization', AUTHORIZATION, ...extra],
    })

  test('every x-amz header must be signed, and the unsigned ones are named', () => {
    refuses(
      signedWith(['X-Amz-Target', 'TrentService.Encrypt', 'X-AMZ-Meta', 'x']),
      INVALID,
      "There were headers present in the request which were not signed: 'x-amz-target', 'x-amz-meta'",
    )
  })

  test('a session token may be added after signing, in the form that has no place of its own for it', () => {
    assert.equal(parse(signedWith(['X-Amz-Security-Token', 'token'])).sessionToken, 'token')
    const request = presigned(() => {})
    refuses(
      { ...request, rawHeaders: [...request.rawHeaders, 'X-Amz-Security-Token', 'token'] },
      INVALID,
      "There were headers present in the request which were not signed: 'x-amz-security-token'",
    )
  })

  for (const name of ['host', 'x-amz-date', 'x-amz-security-token']) {
    test(`a second ${name} header is refused`, () => {
      refuses(
        signedWith(['x-amz-security-token', 'a', name, 'b']),
        INVALID,
        `The header '${name}' must be sent only once.`,
      )
    })
  }

  for (const list of [
    'x-amz-date;host',
    'host;host;x-amz-date',
    'host;;x-amz-date',
    'host;X-Amz-Date',
    'host;x-absent;x-amz-date',
  ]) {
    test(`the list '${list}' cannot have been signed`, () => {
      const authorization = AUTHORIZATION.replace('host;x-amz-date', list)
      const request = signedBy(authorization)
      assert.throws(
        () => parse(request),
        (error) => error instanceof ServiceError && error.code === INVALID,
      )
    })
  }

  test('values are joined, trimmed and their spaces collapsed; bytes that are no ASCII count as they are', () => {
    const value = Buffer.from('schlüssel').toString('latin1')
    const canonical = `POST\n/\n\nhost:localhost\nmy-list:a b,c,${value}\nx-amz-date:${DATE}\n\nhost;my-list;x-amz-date\n${sha256('')}`
    const signature = sign(Buffer.from(canonical, 'latin1'))
    const request = wireRequest({
      headers: [
        'My-List',
        ' a \t  b',
        'Host',
        'localhost',
        'my-list',
        'c  ',
        'MY-LIST',
        value,
        'X-Amz-Date',
        DATE,
        'Authorization',
        `AWS4-HMAC-SHA256 Credential=${CREDENTIAL},SignedHeaders=host;my-list;x-amz-date,Signature=${signature}`,
      ],
    })
    assert.equal(verifies(request), true)
  })

  test('a character that is no byte does not pass for the byte it would be cut to', () => {
    const authorization = AUTHORIZATION.replace('host;', 'host;my-header;')
    const request = wireRequest({
      headers: [
        'Host',
        'h',
        'My-Header',
        '\u0141',
        'X-Amz-Date',
        DATE,
        'Authorization',
        authorization,
      ],
    })
    refuses(request, INVALID, DIFFERS_TEXT)
  })
})

describe('body', () => {
  const withHash = (declared: string, body: string): HttpRequest => {
    const headers = `host:h\nx-amz-content-sha256:${declared}\nx-amz-date:${DATE}\n`
    const names = 'host;x-amz-content-sha256;x-amz-date'
    // As a client would who signs what it declares.
    const signature = sign(`POST\n/\n\n${headers}\n${names}\n${declared}`)
    return wireRequest({
      headers: [
        'Host',
        'h',
        'X-Amz-Date',
        DATE,
        'X-Amz-Content-Sha256',
        declared,
        'Authorization',
        `AWS4-HMAC-SHA256 Credential=${CREDENTIAL}, SignedHeaders=${names}, Signature=${signature}`,
      ],
      body,
    })
  }
  const message = "The provided 'x-amz-content-sha256' header does not match what was computed."

  test('a declared hash must be that of the body', () => {
    assert.equal(verifies(withHash(sha256('{}'), '{}')), true)
    assert.equal(verifies(withHash(sha256(''), '')), true)
    refuses(withHash(sha256('{}'), '{ }'), INVALID, message)
  })

  for (const declared of [
    'UNSIGNED-PAYLOAD',
    'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    '',
    sha256('{}').toUpperCase(),
  ]) {
    test(`'${declared}' does not excuse from signing the body`, () => {
      refuses(withHash(declared, '{}'), INVALID, message)
    })
  }

  test('a hash declared in the query must be that of the body, too', () => {
    refuses(
      presigned((query) => query.set('X-Amz-Content-Sha256', 'UNSIGNED-PAYLOAD')),
      INVALID,
      message,
    )
  })
})

describe('verification', () => {
  const query = (token: string): string =>
    `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${encodeURIComponent(CREDENTIAL)}&X-Amz-Date=${DATE}&X-Amz-Expires=60${token}&X-Amz-SignedHeaders=host`

  test('a session token in the query may have been signed or added afterwards', () => {
    const token = '&X-Amz-Security-Token=a%2Fb%3D'
    for (const signedToken of [token, '']) {
      const signature = sign(`GET\n/\n${query(signedToken)}\nhost:h\n\nhost\n${sha256('')}`)
      const request = wireRequest({
        method: 'GET',
        target: `/?X-Amz-Signature=${signature}&${query(token)}`,
        headers: ['Host', 'h'],
      })
      assert.equal(parse(request).sessionToken, 'a/b=')
      assert.equal(verifies(request), true)
      assert.equal(verifies({ ...request, target: `${request.target}&x=1` }), false)
    }
  })

  test('a plus in the query is a plus', () => {
    const signature = sign(
      `GET\n/\n${query('').replace('X-Amz', 'Tag=a%2Bb&X-Amz')}\nhost:h\n\nhost\n${sha256('')}`,
    )
    const target = `/?${query('')}&X-Amz-Signature=${signature}&Tag=`
    const verifiesTag = (tag: string): boolean =>
      verifies(wireRequest({ method: 'GET', target: target + tag, headers: ['Host', 'h'] }))
    assert.deepEqual(['a+b', 'a%2Bb', 'a%2bb', 'a%20b'].map(verifiesTag), [true, true, true, false])
  })

  test('signatures that are no hexadecimal digest are simply wrong', () => {
    for (const signature of ['x', '0'.repeat(63), '0'.repeat(65), 'é'.repeat(64), 'é'.repeat(32)]) {
      assert.equal(
        verifies(signedBy(AUTHORIZATION.replace(/Signature=.*/, `Signature=${signature}`))),
        false,
      )
    }
  })

  test('what a request says is handed on', () => {
    const { stringToSign, ...said } = parse(signedBy(AUTHORIZATION))
    assert.deepEqual(said, {
      form: 'header',
      accessKeyId: 'AKIDEXAMPLE',
      date: '20260102',
      timestamp: DATE,
      region: 'eu-central-1',
      service: 'kms',
      scope: SCOPE,
      signedHeaders: 'host;x-amz-date',
      sessionToken: undefined,
      signature: '0'.repeat(64),
      stringToSignWithoutToken: undefined,
    })
    assert.match(
      stringToSign,
      /^AWS4-HMAC-SHA256\n20260102T030405Z\n20260102\/eu-central-1\/kms\/aws4_request\n[0-9a-f]{64}$/,
    )
  })

  test('S3 takes the path as it is: no segment is dropped, escapes are kept', () => {
    const canonical = (path: string): string =>
      `GET\n${path}\n\nhost:h\nx-amz-date:${DATE}\n\nhost;x-amz-date\n${sha256('')}`
    const request = (signature: string): HttpRequest =>
      wireRequest({
        method: 'GET',
        target: '/a//b/../c%20d%2Fe',
        headers: [
          'Host',
          'h',
          'X-Amz-Date',
          DATE,
          'Authorization',
          AUTHORIZATION.replace(/Signature=.*/, `Signature=${signature}`),
        ],
      })
    const rules = { now: NOW, service: 'kms' }
    const parser = new SignatureParser()
    const raw = request(sign(canonical('/a//b/../c%20d%2Fe')))
    assert.equal(
      verifySignature(parser.parse(raw, { ...rules, pathStyle: 's3' }), signingKey),
      true,
    )
    assert.equal(verifySignature(parser.parse(raw, rules), signingKey), false)
    const normalized = request(sign(canonical('/a/c%2520d%252Fe')))
    assert.equal(verifySignature(parser.parse(normalized, rules), signingKey), true)
  })

  test('many different lists of signed headers are all read correctly', () => {
    const parser = new SignatureParser()
    for (let count = 0; count < 600; count++) {
      const name = `x-n${count % 300}`
      const headers = `host:h\n${name}:v\n`
      const names = `host;${name}`
      const signature = sign(`POST\n/\n\n${headers}\n${names}\n${sha256('')}`)
      const request = wireRequest({
        headers: [
          'Host',
          'h',
          'Date',
          DATE,
          name,
          'v',
          'Authorization',
          `AWS4-HMAC-SHA256 Credential=${CREDENTIAL}, SignedHeaders=${names}, Signature=${signature}`,
        ],
      })
      const parsed = parser.parse(request, { now: NOW, service: 'kms' })
      assert.equal(verifySignature(parsed, signingKey), true)
    }
  })
})
