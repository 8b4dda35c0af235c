import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  authorizationOf,
  DATE,
  NOW,
  presigned,
  sha256,
  sign,
  signingKey,
} from '../../test/support/signed-request.ts'
import { wireRequest } from '../../test/support/wire-request.ts'
import type { HttpRequest } from '../core/transport.ts'
import { SignatureParser, verifySignature } from './sigv4.ts'

const UNSIGNED = 'UNSIGNED-PAYLOAD'
const BODY = 'the body'
const NAMES = 'host;x-amz-content-sha256;x-amz-date'

/** A request that declares one payload hash, and is signed with `signed` in its place. */
const declaring = (declared: string, signed = declared): HttpRequest => {
  const headers = `host:h\nx-amz-content-sha256:${declared}\nx-amz-date:${DATE}\n`
  const signature = sign(`POST\n/\n\n${headers}\n${NAMES}\n${signed}`)
  const fixed = ['Host', 'h', 'X-Amz-Date', DATE, 'X-Amz-Content-Sha256', declared]
  const authorization = authorizationOf(NAMES, signature)
  return wireRequest({ headers: [...fixed, 'Authorization', authorization], body: BODY })
}

const verifies = (request: HttpRequest, allowsUnsignedPayload: boolean): boolean => {
  const rules = { now: NOW, service: 'kms', allowsUnsignedPayload }
  return verifySignature(new SignatureParser().parse(request, rules), signingKey)
}

describe('the hash of a body', () => {
  test('may be left unsigned only where the service allows it', () => {
    assert.equal(verifies(declaring(UNSIGNED), true), true)
    assert.throws(() => verifies(declaring(UNSIGNED), false), { code: 'InvalidSignatureException' })
  })

  test('is still that of the body where it is declared', () => {
    for (const allowed of [true, false]) {
      assert.equal(verifies(declaring(sha256(BODY)), allowed), true)
      assert.throws(() => verifies(declaring(sha256('another')), allowed), {
        code: 'InvalidSignatureException',
      })
    }
  })

  test('is not taken from what was signed in its place', () => {
    assert.equal(verifies(declaring(UNSIGNED, sha256(BODY)), true), false)
    assert.equal(verifies(declaring(sha256(BODY), UNSIGNED), true), false)
  })

  test('cannot be declared in two ways', () => {
    const request = presigned((query) => query.set('X-Amz-Content-Sha256', UNSIGNED))
    const headers = [...request.rawHeaders, 'X-Amz-Content-Sha256', sha256('another')]
    const both = wireRequest({ method: 'GET', target: request.target, headers })
    assert.throws(() => verifies(both, true), { code: 'InvalidSignatureException' })
  })
})
