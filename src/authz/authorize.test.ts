import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseAccountId } from '../core/ids.ts'
import { authorize, foreignDenial, type Principal } from './authorize.ts'

const ROOT: Principal = {
  accountId: parseAccountId('111122223333') ?? assert.fail(),
  arn: 'arn:aws:iam::111122223333:root',
}
const OTHER = parseAccountId('444455556666') ?? assert.fail()
const KEY = 'arn:aws:kms:eu-central-1:444455556666:key/x'

describe('a decision by ownership', () => {
  test('lets the root principal do everything with what its account owns', () => {
    for (const permission of [
      { action: 'kms:ListKeys' },
      { action: 'kms:Decrypt', resource: { accountId: ROOT.accountId, arn: KEY } },
    ]) {
      const decision = authorize(ROOT, permission)
      assert.equal(decision.allowed, true)
      assert.ok(decision.reason.length > 0)
    }
  })

  test('denies everything with what another account owns, without naming it', () => {
    for (const namedBy of ['arn', 'ciphertext', undefined] as const) {
      const decision = authorize(ROOT, {
        action: 'kms:Decrypt',
        resource: { accountId: OTHER, arn: KEY },
        ...(namedBy && { namedBy }),
      })
      assert.ok(!decision.allowed)
      assert.ok(!decision.message.includes(OTHER))
      assert.equal(decision.message, foreignDenial(ROOT, 'kms:Decrypt', namedBy ?? 'arn'))
    }
  })

  test('is told in AWS’s words', () => {
    const reason =
      'because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access'
    const user = `User: ${ROOT.arn} is not authorized to perform: kms:Decrypt`
    assert.equal(foreignDenial(ROOT, 'kms:Decrypt', 'arn'), `${user} on this resource ${reason}`)
    assert.equal(
      foreignDenial(ROOT, 'kms:Decrypt', 'ciphertext'),
      `${user} on the resource associated with this ciphertext ${reason}`,
    )
  })
})
