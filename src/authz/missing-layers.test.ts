import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type AuthorizationCase,
  accessOf,
  decide,
  named,
  policiesOf,
  requestOf,
} from '../../test/authorization/authorization-case.ts'
import { OTHER, OWNER } from '../../test/authorization/cast.ts'
import { missingLayers } from './missing-layers.ts'

const OPENS = { Effect: 'Allow', Principal: { AWS: OWNER }, Action: 'kms:*', Resource: '*' }
const ALL = [{ Effect: 'Allow', Action: '*', Resource: '*' }]

const missingOf = (c: Partial<AuthorizationCase>) => {
  const whole = { name: '', caller: 'alice', action: 'kms:Decrypt', expect: 'deny', ...c } as const
  assert.equal(decide(whole).allowed, false)
  return missingLayers(requestOf(whole), policiesOf(whole), accessOf(whole).policy)
}

describe('what an implicit denial lacks', () => {
  test('within an account is the first thing that would have to be given', () => {
    assert.deepEqual(missingOf({}), ['resource-policy'])
    assert.deepEqual(missingOf({ keyPolicy: [OPENS] }), ['identity-policy'])
    assert.deepEqual(missingOf({ caller: 'root' }), ['resource-policy'])
  })

  test('across accounts is told of both sides', () => {
    const mallory = { caller: 'mallory' } as const
    assert.deepEqual(missingOf(mallory), ['resource-policy', 'identity-policy'])
    assert.deepEqual(missingOf({ ...mallory, identity: [ALL] }), ['resource-policy'])
    const opens = { ...OPENS, Principal: { AWS: OTHER } }
    assert.deepEqual(missingOf({ ...mallory, keyPolicy: [opens] }), ['identity-policy'])
  })

  test('is everything that caps the principal, too', () => {
    assert.deepEqual(
      missingOf({ keyPolicy: [OPENS], boundary: [], session: [[]], serviceControl: [[]] }),
      ['service-control-policy', 'identity-policy', 'permissions-boundary', 'session-policy'],
    )
  })

  test('is told of roles and their trust policies', () => {
    const c: AuthorizationCase = {
      name: '',
      caller: 'mallory',
      action: 'sts:AssumeRole',
      decide: 'trust',
      expect: 'deny',
    }
    const trust = named('trust-policy', [])
    assert.deepEqual(missingLayers(requestOf(c), policiesOf(c), trust), [
      'trust-policy',
      'identity-policy',
    ])
  })
})
