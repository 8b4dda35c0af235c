import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { wireRequest } from '../../../test/support/wire-request.ts'
import { OperatorError } from '../../core/errors.ts'
import type { Operator } from '../../core/operator.ts'
import { operatorHandler } from './operator-socket.ts'

const never = (): never => assert.fail('another method was called')

/** An operator of which a test says what it answers. */
const operatorWith = (methods: Partial<Operator>): Operator => ({
  status: never,
  createAccount: never,
  listAccounts: never,
  rotateCredentials: never,
  rotateDomainKey: never,
  rotateRootKey: never,
  setServiceControl: never,
  getServiceControl: never,
  removeServiceControl: never,
  setDeletionGuard: never,
  getDeletionGuard: never,
  removeDeletionGuard: never,
  setOidcKeys: never,
  listOidcKeys: never,
  removeOidcKeys: never,
  listNodes: never,
  forgetNode: never,
  issueOperatorCertificate: never,
  replaceOperatorAuthority: never,
  backup: never,
  auditPublicKeys: never,
  rotateAuditSigningKey: never,
  keyImpact: never,
  explain: never,
  whoCan: never,
  simulate: never,
  eventStatus: never,
  listDeadLetters: never,
  redriveDeadLetters: never,
  discardDeadLetters: never,
  searchEvents: never,
  countEvents: never,
  findKeyArn: never,
  eventIndexStatus: never,
  reindexEvents: never,
  ...methods,
})

describe('the operator socket', () => {
  const lines: string[] = []
  const log = {
    info: never,
    warn: never,
    error: (fields: object, message: string, cause?: unknown) =>
      void lines.push(JSON.stringify({ fields, message, cause: String(cause) })),
  }

  test('hands the argument over and the result back', async () => {
    const handler = operatorHandler(
      operatorWith({
        rotateCredentials: async (request) => {
          assert.deepEqual(request, { accountId: '111122223333' })
          return {
            accountId: '111122223333',
            accessKeyId: 'AKIA',
            secretAccessKey: 'shown once',
            replaced: [],
          }
        },
      }),
      log,
    )
    const target = '/operator/rotateCredentials'
    const reply = await handler(wireRequest({ target, body: '{"accountId":"111122223333"}' }))
    assert.equal(reply.status, 200)
    const { result } = JSON.parse(String(reply.body)) as { result: { secretAccessKey: string } }
    assert.equal(result.secretAccessKey, 'shown once')
  })

  test('tells a mistake of the operator with its hint, and nothing of our own failures', async () => {
    const failing = (error: Error) =>
      operatorHandler(operatorWith({ listAccounts: () => Promise.reject(error) }), log)
    const request = wireRequest({ target: '/operator/listAccounts', body: '{}' })
    const mistaken = await failing(new OperatorError('no', 'do this'))(request)
    assert.deepEqual([mistaken.status, mistaken.body], [400, '{"message":"no","hint":"do this"}\n'])
    const broken = await failing(new Error('the disk is gone'))(request)
    assert.equal(broken.status, 500)
    assert.ok(!String(broken.body).includes('disk'))
    assert.match(lines.at(-1) ?? '', /listAccounts.*the disk is gone/)
  })

  test('serves no other method, name or verb', async () => {
    const handler = operatorHandler(operatorWith({}), log)
    for (const parts of [
      { target: '/operator/constructor' },
      { target: '/operator/__proto__' },
      { target: '/operator/' },
      { target: '/operator/status/' },
      { target: '/status' },
      { method: 'GET', target: '/operator/status' },
    ]) {
      assert.equal((await handler(wireRequest({ ...parts, body: '{}' }))).status, 404, parts.target)
    }
  })

  test('an argument that is no JSON fails the command alone', async () => {
    const handler = operatorHandler(operatorWith({}), log)
    const reply = await handler(wireRequest({ target: '/operator/status', body: '{' }))
    assert.equal(reply.status, 500)
  })
})
