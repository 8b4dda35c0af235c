import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootOfAccount } from '../../../../test/support/principals.ts'
import { granteeNames } from './grant-index.ts'

const ROOT = 'arn:aws:iam::111122223333:root'

test('a grant means a principal under each of its names, and under each once', () => {
  const root = rootOfAccount('111122223333')
  assert.deepEqual(granteeNames(root), [ROOT])
  const arn = 'arn:aws:iam::111122223333:user/alice'
  const user = { ...root, type: 'User', arn, principalArn: arn, userId: 'AIDAEXAMPLE' } as const
  assert.deepEqual(granteeNames({ ...user, uniqueId: 'AIDAEXAMPLE' }), ['AIDAEXAMPLE', arn, ROOT])
  assert.deepEqual(granteeNames({ ...user, uniqueId: arn }), [arn, ROOT])
})
