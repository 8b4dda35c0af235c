import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ServiceError } from '../core/errors.ts'
import { AWS_JSON_HEADERS, encodeError, httpStatusOf } from './aws-json.ts'

describe('error replies', () => {
  test('have the type and the message', () => {
    assert.equal(
      encodeError(new ServiceError('NotFoundException', "Key 'a\"b' does not exist")),
      '{"__type":"NotFoundException","message":"Key \'a\\"b\' does not exist"}',
    )
  })

  test('have no message member when there is no public message', () => {
    assert.equal(
      encodeError(new ServiceError('InvalidCiphertextException')),
      '{"__type":"InvalidCiphertextException"}',
    )
  })

  test('have a capital Message where the front end sends one', () => {
    for (const code of ['AccessDeniedException', 'SerializationException'] as const) {
      assert.equal(
        encodeError({ code, publicMessage: 'no' }),
        `{"__type":"${code}","Message":"no"}`,
      )
    }
  })

  test('have 400 for what clients did, and 5xx or 413 for the rest', () => {
    assert.equal(httpStatusOf('NotFoundException'), 400)
    assert.equal(httpStatusOf('DryRunOperationException'), 400)
    assert.equal(httpStatusOf('ThrottlingException'), 400)
    assert.equal(httpStatusOf('UnknownOperationException'), 400)
    assert.equal(httpStatusOf('DependencyTimeoutException'), 500)
    assert.equal(httpStatusOf('KeyUnavailableException'), 500)
    assert.equal(httpStatusOf('KMSInternalException'), 500)
    assert.equal(httpStatusOf('InternalFailure'), 500)
    assert.equal(httpStatusOf('ServiceUnavailableException'), 503)
    assert.equal(httpStatusOf('RequestEntityTooLargeException'), 413)
  })

  test('and all others have the recorded headers', () => {
    assert.deepEqual(AWS_JSON_HEADERS, [
      'Cache-Control',
      'no-cache, no-store, must-revalidate, private',
      'Expires',
      '0',
      'Pragma',
      'no-cache',
      'Content-Type',
      'application/x-amz-json-1.1',
    ])
  })
})
