import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type AuthorizationCase,
  accessOf,
  named,
  policiesOf,
  requestOf,
} from '../../test/authorization/authorization-case.ts'
import { OWNER } from '../../test/authorization/cast.ts'
import { NEAR_MISSES_MAX, nearMisses } from './near-misses.ts'

const OPENS = { Effect: 'Allow', Principal: { AWS: OWNER }, Action: 'kms:*', Resource: '*' }
const ALICE = `arn:aws:iam::${OWNER}:user/alice`

const missesOf = (c: Partial<AuthorizationCase>) => {
  const whole: AuthorizationCase = {
    name: 'near',
    caller: 'alice',
    action: 'kms:Decrypt',
    expect: 'deny',
    ...c,
  }
  return nearMisses(requestOf(whole), policiesOf(whole), { access: accessOf(whole) })
}

describe('near misses', () => {
  test('name the condition that did not hold, with what was wanted and what there was', () => {
    const found = missesOf({
      keyPolicy: [
        OPENS,
        {
          Sid: 'OnlyApp',
          Effect: 'Allow',
          Principal: { AWS: ALICE },
          Action: 'kms:Decrypt',
          Resource: '*',
          Condition: {
            StringEquals: { 'kms:EncryptionContext:app': ['a', 'b'] },
            Bool: { 'aws:SecureTransport': 'true' },
          },
        },
      ],
      context: { 'kms:EncryptionContext:app': 'c', 'aws:SecureTransport': 'true' },
    })
    assert.deepEqual(found, [
      {
        kind: 'statement',
        statement: {
          layer: 'resource-policy',
          policy: 'resource-policy',
          statement: 1,
          sid: 'OnlyApp',
          effect: 'Allow',
        },
        unmet: [
          {
            operator: 'StringEquals',
            key: 'kms:EncryptionContext:app',
            values: ['a', 'b'],
            actual: 'c',
          },
        ],
      },
    ])
  })

  test('come from every layer, and tell a key that is not there', () => {
    const allow = {
      Effect: 'Allow',
      Action: '*',
      Resource: '*',
      Condition: { StringEquals: { 'aws:PrincipalTag/team': 'blue' } },
    }
    const found = missesOf({
      keyPolicy: [OPENS],
      identity: [[allow]],
      boundary: [allow],
      session: [[allow]],
      serviceControl: [[allow]],
    })
    assert.deepEqual(
      found.map((miss) => miss.kind === 'statement' && miss.statement.layer),
      ['identity-policy', 'permissions-boundary', 'session-policy', 'service-control-policy'],
    )
    for (const { unmet } of found) {
      assert.deepEqual(unmet, [
        { operator: 'StringEquals', key: 'aws:PrincipalTag/team', values: ['blue'] },
      ])
    }
  })

  test('are no statements on other principals, actions and resources, and no denials', () => {
    const condition = { Condition: { Bool: { 'aws:SecureTransport': 'true' } } }
    const found = missesOf({
      keyPolicy: [
        { ...OPENS, Principal: { AWS: `arn:aws:iam::${OWNER}:user/team/bob` }, ...condition },
        { ...OPENS, Action: 'kms:Encrypt', ...condition },
        { ...OPENS, Resource: 'arn:aws:kms:*:*:alias/x', ...condition },
        { ...OPENS, Effect: 'Deny', ...condition },
      ],
    })
    assert.deepEqual(found, [])
  })

  test('are grants whose operations or constraints do not fit', () => {
    const grant = { granteePrincipal: ALICE, name: 'one' }
    const found = missesOf({
      keyPolicy: [],
      encryptionContext: { app: 'c', more: 'd' },
      grants: [
        { ...grant, operations: ['Encrypt'] },
        {
          ...grant,
          operations: ['Decrypt'],
          constraints: { encryptionContextEquals: { app: 'c' } },
        },
        {
          ...grant,
          operations: ['Decrypt'],
          constraints: { encryptionContextSubset: { app: 'x' }, sourceArn: 'arn:aws:s3:::b' },
        },
        { granteePrincipal: `arn:aws:iam::${OWNER}:user/team/bob`, operations: ['Decrypt'] },
      ],
    })
    const key = 'encryption context'
    const actual = ['app=c', 'more=d']
    assert.deepEqual(
      found.map(({ unmet }) => unmet),
      [
        [{ operator: 'Operations', key: 'operation', values: ['Encrypt'], actual: 'Decrypt' }],
        [{ operator: 'EncryptionContextEquals', key, values: ['app=c'], actual }],
        [
          { operator: 'SourceArn', key: 'aws:SourceArn', values: ['arn:aws:s3:::b'] },
          { operator: 'EncryptionContextSubset', key, values: ['app=x'], actual },
        ],
      ],
    )
  })

  test('are grants that what caps the caller keeps from working', () => {
    const found = missesOf({
      caller: 'app',
      keyPolicy: [],
      boundary: [],
      grants: [
        { granteePrincipal: `arn:aws:iam::${OWNER}:role/svc/app`, operations: ['Decrypt'] },
        { granteePrincipal: `arn:aws:iam::${OWNER}:root`, operations: ['Decrypt'] },
      ],
    })
    assert.deepEqual(
      found.map((miss) => miss.kind === 'grant' && [miss.unmet, miss.cappedBy]),
      [
        [[], 'permissions-boundary'],
        [[], 'identity-policy'],
      ],
    )
  })

  test('are few and short', () => {
    const long = 'x'.repeat(5000)
    const values = Array.from({ length: 50 }, () => long)
    const statement = { ...OPENS, Condition: { StringEquals: { 'kms:RequestAlias': values } } }
    const found = missesOf({
      keyPolicy: Array.from({ length: 30 }, () => statement),
      context: { 'kms:RequestAlias': `alias/${long}` },
    })
    assert.equal(found.length, NEAR_MISSES_MAX)
    assert.ok(JSON.stringify(found).length < 30_000)
  })

  test('are found in trust policies, whose statements name no resources', () => {
    const c: AuthorizationCase = {
      name: 'trust',
      caller: 'alice',
      action: 'sts:AssumeRole',
      decide: 'trust',
      expect: 'deny',
    }
    const trust = named('trust-policy', [
      {
        Effect: 'Allow',
        Principal: { AWS: ALICE },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'sts:ExternalId': '42' } },
      },
    ])
    const [found] = nearMisses(requestOf(c), policiesOf(c), { trust })
    assert.deepEqual(found?.unmet, [
      { operator: 'StringEquals', key: 'sts:ExternalId', values: ['42'] },
    ])
  })
})
