import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseAccountId } from '../core/ids.ts'
import type { Principal } from '../core/principal.ts'
import { rootPrincipal } from '../core/principal.ts'
import type { ConditionValue } from './access-request.ts'
import { compilePolicy } from './compiled-policy.ts'
import type { KeyAccess } from './decide.ts'
import { CachedDecisions } from './decision-cache.ts'
import type { NamedPolicy, PrincipalPolicies } from './policies.ts'

const ACCOUNT = parseAccountId('111122223333') ?? assert.fail()
const OTHER = parseAccountId('444455556666') ?? assert.fail()
const ROOT = rootPrincipal('aws', ACCOUNT)
const USER: Principal = {
  ...ROOT,
  type: 'User',
  arn: 'arn:aws:iam::111122223333:user/a',
  principalArn: 'arn:aws:iam::111122223333:user/a',
  uniqueId: 'AIDAEXAMPLEEXAMPLE000',
  userId: 'AIDAEXAMPLEEXAMPLE000',
}
const SESSION: Principal = {
  ...USER,
  type: 'AssumedRole',
  arn: 'arn:aws:sts::111122223333:assumed-role/app/one',
  principalArn: 'arn:aws:iam::111122223333:role/app',
  uniqueId: 'AROAEXAMPLEEXAMPLE000',
  userId: 'AROAEXAMPLEEXAMPLE000:one',
}
const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/1'

const policy = (...statements: readonly object[]): NamedPolicy => ({
  layer: 'identity-policy',
  name: 'p',
  policy: compilePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statements })),
})
const allow = (more: object = {}): object => ({
  Effect: 'Allow',
  Action: 'kms:*',
  Resource: '*',
  ...more,
})
const DOOR = policy(allow({ Principal: { AWS: ACCOUNT } }))
const accessBy = (keyPolicy: NamedPolicy): KeyAccess => ({
  policy: keyPolicy,
  operation: 'Encrypt',
  isCrossAccount: true,
  grants: [],
})

interface Asked {
  readonly principal?: Principal
  readonly action?: string
  readonly resourceArn?: string
  readonly values?: Readonly<Record<string, ConditionValue>>
}

/** A request, and how often its condition keys are looked at. */
function ask({ principal = USER, action = 'kms:Encrypt', resourceArn = KEY, values = {} }: Asked) {
  const read: string[] = []
  const get = (key: string): ConditionValue | undefined => {
    read.push(key)
    return values[key]
  }
  return { action, principal, resourceArn, resourceAccount: ACCOUNT, context: { get }, read }
}

describe('cached decisions', () => {
  test('are the very object of before', () => {
    const cached = new CachedDecisions()
    const policies = { identity: [policy(allow())] }
    const first = cached.onKey(ask({}), policies, accessBy(DOOR))
    assert.ok(first.allowed)
    assert.equal(cached.onKey(ask({}), policies, accessBy(DOOR)), first)
    // A principal with the same facts, made anew for another request.
    assert.equal(cached.onKey(ask({ principal: { ...USER } }), policies, accessBy(DOOR)), first)
    assert.equal(cached.byIdentity(ask({}), policies), cached.byIdentity(ask({}), policies))
  })

  test('tell apart all that a decision depends on', () => {
    const cached = new CachedDecisions()
    const policies = { identity: [policy(allow())] }
    const first = cached.onKey(ask({}), policies, accessBy(DOOR))
    for (const [what, other] of Object.entries({
      principal: cached.onKey(ask({ principal: SESSION }), policies, accessBy(DOOR)),
      action: cached.onKey(ask({ action: 'kms:Decrypt' }), policies, accessBy(DOOR)),
      resource: cached.onKey(ask({ resourceArn: `${KEY}2` }), policies, accessBy(DOOR)),
      account: cached.onKey({ ...ask({}), resourceAccount: OTHER }, policies, accessBy(DOOR)),
      policies: cached.onKey(ask({}), { ...policies }, accessBy(DOOR)),
      'key policy': cached.onKey(ask({}), policies, accessBy(policy(allow({ Principal: '*' })))),
      reach: cached.onKey(ask({}), policies, { ...accessBy(DOOR), isCrossAccount: false }),
      kind: cached.byIdentity(ask({}), policies),
    })) {
      assert.notEqual(other, first, what)
    }
  })

  test('tell apart the sessions of a role that share its policies', () => {
    const cached = new CachedDecisions()
    const named = accessBy(policy(allow({ Principal: { AWS: SESSION.arn } })))
    const policies: PrincipalPolicies = { identity: [] }
    const other = { ...SESSION, arn: `${SESSION.arn}2`, userId: `${SESSION.userId}2` }
    assert.equal(cached.onKey(ask({ principal: SESSION }), policies, named).allowed, true)
    assert.equal(cached.onKey(ask({ principal: other }), policies, named).allowed, false)
  })

  test('look only at the condition keys that statements about the action read', () => {
    const cached = new CachedDecisions()
    const condition = {
      StringEquals: { 'kms:ViaService': 'a', 'kms:CallerAccount': '${aws:userid}' },
    }
    const policies = {
      identity: [
        policy(allow(), allow({ Effect: 'Deny', Condition: condition }), {
          ...allow({ Action: 'kms:Decrypt' }),
          Condition: { Bool: { 'aws:SecureTransport': 'true' } },
        }),
      ],
    }
    const request = ask({})
    cached.onKey(request, policies, accessBy(DOOR))
    assert.deepEqual([...new Set(request.read)].sort(), [
      'aws:userid',
      'kms:calleraccount',
      'kms:viaservice',
    ])
    const again = ask({})
    cached.onKey(again, policies, accessBy(DOOR))
    assert.equal(again.read.length, 3)
  })

  test('join values so that no two lists of them read the same', () => {
    const cached = new CachedDecisions()
    const condition = { StringEquals: { 'kms:A': ['a', '1:b'], 'kms:B': 'b' } }
    const policies = { identity: [policy(allow({ Condition: condition }))] }
    const variants: readonly Readonly<Record<string, ConditionValue>>[] = [
      {},
      { 'kms:a': '' },
      { 'kms:a': [] },
      { 'kms:a': '-' },
      { 'kms:a': ['-'] },
      { 'kms:a': 'ab' },
      { 'kms:a': 'a', 'kms:b': 'b' },
      { 'kms:a': ['a', 'b'] },
      { 'kms:a': ['a'], 'kms:b': 'b' },
      { 'kms:a': 'a1:b' },
      { 'kms:b': 'b' },
    ]
    const decisions = variants.map((values) =>
      cached.onKey(ask({ values }), policies, accessBy(DOOR)),
    )
    assert.equal(new Set(decisions).size, variants.length)
  })

  for (const key of ['aws:CurrentTime', 'aws:EpochTime', 'aws:MultiFactorAuthAge']) {
    test(`are not kept where a policy reads ${key}`, () => {
      const cached = new CachedDecisions()
      const condition = { Null: { [key]: 'true' } }
      const policies = { identity: [policy(allow({ Condition: condition }))] }
      const first = cached.onKey(ask({}), policies, accessBy(DOOR))
      assert.ok(first.allowed)
      assert.notEqual(cached.onKey(ask({}), policies, accessBy(DOOR)), first)
    })
  }

  test('never come from grants', () => {
    const cached = new CachedDecisions()
    const policies: PrincipalPolicies = { identity: [] }
    const grant = {
      region: 'eu-central-1',
      keyId: '1',
      grantId: '0',
      name: '',
      granteePrincipal: USER.arn,
      operations: ['Encrypt'],
      issuingAccount: ACCOUNT,
      createdAt: 0,
    }
    // Ids that no decision looks at need no parser: hence the cast.
    const grants = [grant] as unknown as KeyAccess['grants']
    const access = accessBy(DOOR)
    assert.equal(cached.onKey(ask({}), policies, { ...access, grants }).allowed, true)
    assert.equal(cached.onKey(ask({}), policies, access).allowed, false)
    assert.equal(cached.onKey(ask({}), policies, { ...access, grants }).allowed, true)
  })

  test('stay right beyond what is kept', () => {
    const cached = new CachedDecisions()
    const condition = { StringLike: { 'kms:EncryptionContext:a': '*7' } }
    const policies = { identity: [policy(allow({ Condition: condition }))] }
    for (let index = 0; index < 60_000; index++) {
      const values = { 'kms:encryptioncontext:a': String(index) }
      const decision = cached.onKey(ask({ values }), policies, accessBy(DOOR))
      assert.equal(decision.allowed, index % 10 === 7)
    }
    const values = { 'kms:encryptioncontext:a': 'x'.repeat(5000) }
    const first = cached.onKey(ask({ values }), policies, accessBy(DOOR))
    assert.notEqual(cached.onKey(ask({ values }), policies, accessBy(DOOR)), first)
  })
})
