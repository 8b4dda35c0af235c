import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { wireRequest } from '../../test/support/wire-request.ts'
import { COMMON_ERROR_CODES, ServiceError } from '../core/errors.ts'
import { peekQueryAction, queryErrorReply, queryReply, readQueryCall } from './query.ts'
import { queryErrorOf } from './query-errors.ts'

const STS = { version: '2011-06-15', xmlNamespace: 'https://sts.amazonaws.com/doc/2011-06-15/' }
const FORM = ['Content-Type', 'application/x-www-form-urlencoded; charset=utf-8']

const post = (body: string | Uint8Array, target = '/', headers: readonly string[] = FORM) =>
  wireRequest({ method: 'POST', target, headers, body })
const get = (query: string) => wireRequest({ method: 'GET', target: `/?${query}` })

const refusal =
  (code: string, message?: string) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof ServiceError)
    assert.deepEqual([error.code, error.publicMessage], [code, message])
    return true
  }

describe('reading a call', () => {
  test('a form in the body names operation and input', () => {
    const call = readQueryCall(
      post('Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws&Tags.member.1.Key=a+b'),
      STS,
    )
    assert.equal(call.operation, 'AssumeRole')
    assert.deepEqual(JSON.parse(JSON.stringify(call.input)), {
      RoleArn: 'arn:aws',
      Tags: [{ Key: 'a b' }],
    })
  })

  test('a presigned request has its form in the target, for GET and for POST', () => {
    const query =
      'Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00'
    for (const request of [get(query), post('', `/?${query}`, [])]) {
      const call = readQueryCall(request, STS)
      assert.equal(call.operation, 'GetCallerIdentity')
      assert.deepEqual(Object.keys(call.input), [])
    }
  })

  test('target and body add up, but must not speak twice', () => {
    const target = '/?Action=GetCallerIdentity'
    assert.equal(
      readQueryCall(post('Version=2011-06-15', target), STS).operation,
      'GetCallerIdentity',
    )
    assert.throws(
      () => readQueryCall(post('Action=AssumeRole&Version=2011-06-15', target), STS),
      refusal('SerializationException', "Duplicate parameter 'Action'"),
    )
  })

  test('without an action there is no operation', () => {
    const check = refusal(
      'UnknownOperationException',
      'The request must contain the parameter Action',
    )
    for (const request of [
      get('Version=2011-06-15'),
      post(''),
      post('Action=&Version=2011-06-15'),
    ]) {
      assert.throws(() => readQueryCall(request, STS), check)
    }
    const request = { ...get('Action=GetCallerIdentity&Version=2011-06-15'), method: 'PUT' }
    assert.throws(() => readQueryCall(request, STS), check)
  })

  test('another version has no such operation', () => {
    assert.throws(
      () => readQueryCall(get('Action=GetCallerIdentity&Version=2010-05-08'), STS),
      refusal(
        'UnknownOperationException',
        'Could not find operation GetCallerIdentity for version 2010-05-08',
      ),
    )
    assert.throws(
      () => readQueryCall(get('Action=GetCallerIdentity'), STS),
      refusal(
        'UnknownOperationException',
        'Could not find operation GetCallerIdentity for version ',
      ),
    )
  })

  test('a body that is no form is refused', () => {
    const check = refusal(
      'SerializationException',
      'Content-Type must be application/x-www-form-urlencoded',
    )
    for (const headers of [[], ['Content-Type', 'application/json'], ['Content-Type', '']]) {
      assert.throws(
        () => readQueryCall(post('Action=A&Version=2011-06-15', '/', headers), STS),
        check,
      )
    }
  })

  test('a body that is not UTF-8 is refused', () => {
    assert.throws(
      () => readQueryCall(post(Buffer.from('Action=\xff', 'latin1')), STS),
      refusal('SerializationException', 'The body is not UTF-8'),
    )
  })

  test('a body that is too large is refused', () => {
    assert.throws(
      () => readQueryCall(post('x'.repeat(1_048_577)), STS),
      refusal('RequestEntityTooLargeException'),
    )
  })

  test('target and body together have a limit, too', () => {
    const many = (prefix: string): string =>
      Array.from({ length: 600 }, (_, at) => `${prefix}${at}=`).join('&')
    assert.throws(
      () => readQueryCall(post(many('b'), `/?${many('t')}`), STS),
      refusal('RequestEntityTooLargeException'),
    )
  })
})

test('peeking finds action and version, and shrugs at everything else', () => {
  assert.deepEqual(peekQueryAction(post('Action=AssumeRoleWithWebIdentity&Version=2011-06-15')), {
    action: 'AssumeRoleWithWebIdentity',
    version: '2011-06-15',
  })
  for (const request of [
    post('{"a":1}', '/', ['Content-Type', 'application/x-amz-json-1.1']),
    post('Action=%'),
    post('Action=A'),
    wireRequest({}),
  ]) {
    assert.equal(peekQueryAction(request), undefined)
  }
})

describe('writing', () => {
  const requestId = '01234567-89ab-cdef-0123-456789abcdef'

  test('a success is the operation, its result and the request id', () => {
    const reply = queryReply({
      service: STS,
      operation: 'GetCallerIdentity',
      output: {
        Arn: 'arn:aws:iam::111122223333:root',
        UserId: '111122223333',
        Account: '111122223333',
      },
      requestId,
    })
    assert.equal(reply.status, 200)
    assert.deepEqual(reply.headers, ['x-amzn-RequestId', requestId, 'Content-Type', 'text/xml'])
    assert.equal(
      reply.body,
      '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">' +
        '<GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:root</Arn><UserId>111122223333</UserId>' +
        '<Account>111122223333</Account></GetCallerIdentityResult>' +
        `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></GetCallerIdentityResponse>`,
    )
  })

  test('an operation without output answers its metadata alone', () => {
    const reply = queryReply({
      service: STS,
      operation: 'DeleteRole',
      output: undefined,
      requestId,
    })
    assert.equal(
      reply.body,
      `<DeleteRoleResponse xmlns="${STS.xmlNamespace}"><ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></DeleteRoleResponse>`,
    )
  })

  test('a failure says who is to blame, what and why', () => {
    const reply = queryErrorReply({
      service: STS,
      error: { code: 'InvalidSignatureException', publicMessage: 'a < b' },
      requestId,
    })
    assert.equal(reply.status, 403)
    assert.equal(
      reply.body,
      `<ErrorResponse xmlns="${STS.xmlNamespace}"><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>a &lt; b</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
    )
  })

  test('a failure without a message has no message', () => {
    const error = { code: 'InternalFailure', publicMessage: undefined } as const
    const reply = queryErrorReply({ service: STS, error, requestId })
    assert.equal(reply.status, 500)
    assert.match(
      String(reply.body),
      /<Error><Type>Receiver<\/Type><Code>InternalFailure<\/Code><\/Error>/,
    )
  })
})

test('every front end code has its Query code and status', () => {
  const table = Object.fromEntries(
    COMMON_ERROR_CODES.map((code) => {
      const { code: queryCode, httpStatus } = queryErrorOf(code)
      return [code, `${queryCode} ${httpStatus}`]
    }),
  )
  assert.deepEqual(table, {
    AccessDeniedException: 'AccessDenied 403',
    ExpiredTokenException: 'ExpiredToken 403',
    IncompleteSignatureException: 'IncompleteSignature 400',
    InternalFailure: 'InternalFailure 500',
    InvalidSignatureException: 'SignatureDoesNotMatch 403',
    MissingAuthenticationTokenException: 'MissingAuthenticationToken 403',
    NotAuthorizedException: 'NotAuthorized 400',
    RequestEntityTooLargeException: 'RequestEntityTooLarge 413',
    SerializationException: 'MalformedInput 400',
    ServiceUnavailableException: 'ServiceUnavailable 503',
    ThrottlingException: 'Throttling 400',
    UnknownOperationException: 'InvalidAction 400',
    UnrecognizedClientException: 'InvalidClientTokenId 403',
    ValidationException: 'ValidationError 400',
  })
})

test('codes of service models are what the Query services call them, and others keep their name', () => {
  assert.deepEqual(queryErrorOf('LimitExceededException'), {
    code: 'LimitExceeded',
    httpStatus: 409,
    type: 'Sender',
  })
  assert.deepEqual(queryErrorOf('NotFoundException'), {
    code: 'NotFoundException',
    httpStatus: 400,
    type: 'Sender',
  })
  assert.deepEqual(queryErrorOf('ServiceFailureException'), {
    code: 'ServiceFailure',
    httpStatus: 500,
    type: 'Receiver',
  })
  assert.equal(queryErrorOf('DependencyTimeoutException').type, 'Receiver')
})
