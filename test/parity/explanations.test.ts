import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Simulation, WhoCan } from '../../src/core/explanations.ts'
import { allowing } from '../support/account-identities.ts'
import {
  identityArn,
  OTHER,
  OWNER,
  TO_ACCOUNT,
  TO_APP,
  TwoAccounts,
} from '../support/two-accounts.ts'

const STRANGER = '777788889999'

describe('explanations of two accounts', () => {
  let accounts: TwoAccounts
  before(async () => {
    accounts = await TwoAccounts.start()
  })
  after(() => accounts.close())

  test('a conditional allow is told with its condition, and its near miss with what there was', async () => {
    const allowed = await accounts.encrypt('alice', { app: 'a' })
    assert.equal(allowed.status, 200)
    const [decision] = accounts.explained(allowed).decisions
    assert.equal(decision?.path, 'identity-policy')
    assert.deepEqual(
      decision.statements.map(({ policy, sid }) => [policy, sid]),
      [
        ['key policy', 'Enable IAM User Permissions'],
        ['user/alice inline policy app', 'OnlyA'],
      ],
    )
    const denied = await accounts.encrypt('alice', { app: 'b' })
    assert.equal(denied.status, 400)
    const missed = accounts.explained(denied)
    assert.equal(missed.caller.arn, identityArn('user', 'alice'))
    assert.deepEqual(missed.decisions[0]?.denial, { layer: 'identity-policy', isExplicit: false })
    const [near] = missed.decisions[0]?.nearMisses ?? []
    assert.deepEqual(near?.unmet, [
      { operator: 'StringEquals', key: 'kms:EncryptionContext:app', values: ['a'], actual: 'b' },
    ])
    const may = await accounts.accesses()
    assert.equal(may.get(identityArn('user', 'alice'))?.outcome, 'conditional')
    assert.equal(may.get(identityArn('user', 'bob'))?.outcome, 'always')
    assert.equal(may.get(`arn:aws:iam::${OWNER}:root`)?.outcome, 'always')
    assert.equal(may.size, 3)
  })

  test('across accounts both halves are needed, and both are told', async () => {
    const neither = accounts.explained(await accounts.encrypt('carol'))
    assert.deepEqual(neither.decisions[0]?.missing, ['resource-policy', 'identity-policy'])
    assert.equal((await accounts.encrypt('app')).status, 400)
    assert.equal((await accounts.accesses()).get(identityArn('role', 'app', OTHER)), undefined)
    await accounts.putPolicy(TO_ACCOUNT, TO_APP)
    const allowed = await accounts.encrypt('app')
    assert.equal(allowed.status, 200, allowed.text)
    const role = (await accounts.accesses()).get(identityArn('role', 'app', OTHER))
    assert.equal(role?.outcome, 'always')
    assert.deepEqual(
      role.ways[0]?.requires.map(([some]) => some?.statement.policy),
      ['key policy', 'role/app inline policy kms'],
    )
    assert.equal(
      (await accounts.accesses('Decrypt')).get(identityArn('role', 'app', OTHER)),
      undefined,
    )

    await accounts.other.changeRole(accounts.app, { inlinePolicies: {} })
    const denied = accounts.explained(await accounts.encrypt('app'))
    assert.deepEqual(denied.decisions[0]?.denial, { layer: 'identity-policy', isExplicit: false })
    assert.equal((await accounts.accesses()).get(identityArn('role', 'app', OTHER)), undefined)
    await accounts.other.changeRole(accounts.app, {
      inlinePolicies: { kms: allowing('kms:Encrypt') },
    })
    assert.equal((await accounts.encrypt('app')).status, 200)

    await accounts.putPolicy(TO_ACCOUNT)
    const closed = accounts.explained(await accounts.encrypt('app'))
    assert.deepEqual(closed.decisions[0]?.denial, { layer: 'resource-policy', isExplicit: false })
    assert.equal((await accounts.accesses()).get(identityArn('role', 'app', OTHER)), undefined)
    await accounts.putPolicy(TO_ACCOUNT, TO_APP)
  })

  test('a service control policy and a boundary take away what everything else allows', async () => {
    const allow = { Effect: 'Allow', Action: '*', Resource: '*' }
    const deny = { Sid: 'NoKms', Effect: 'Deny', Action: 'kms:*', Resource: '*' }
    await accounts.setServiceControl(
      JSON.stringify({ Version: '2012-10-17', Statement: [allow, deny] }),
    )
    const denied = accounts.explained(await accounts.encrypt('app'))
    assert.deepEqual(denied.decisions[0]?.denial, {
      layer: 'service-control-policy',
      isExplicit: true,
    })
    assert.equal(denied.decisions[0]?.statements[0]?.sid, 'NoKms')
    assert.equal((await accounts.accesses()).get(identityArn('role', 'app', OTHER)), undefined)
    await accounts.setServiceControl(undefined)
    assert.equal((await accounts.encrypt('app')).status, 200)
    assert.equal(
      (await accounts.accesses()).get(identityArn('role', 'app', OTHER))?.outcome,
      'always',
    )

    await accounts.owner.changeUser(accounts.bob, {
      boundaryArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess',
    })
    const capped = accounts.explained(await accounts.encrypt('bob'))
    assert.equal(capped.decisions[0]?.denial?.layer, 'permissions-boundary')
    assert.equal((await accounts.accesses()).get(identityArn('user', 'bob')), undefined)
    await accounts.owner.changeUser(accounts.bob, { boundaryArn: undefined })
    assert.equal((await accounts.accesses()).get(identityArn('user', 'bob'))?.outcome, 'always')
  })

  test('a grant admits exactly its encryption context, and is told until it ends', async () => {
    const granted = await accounts.as('root').kms('CreateGrant', {
      KeyId: accounts.keyId,
      Name: 'for-carol',
      GranteePrincipal: identityArn('user', 'carol', OTHER),
      Operations: ['Encrypt'],
      Constraints: { EncryptionContextSubset: { app: 'a' } },
    })
    assert.equal(granted.status, 200, granted.text)
    const grantId = JSON.stringify(granted.json['GrantId']).slice(1, -1)
    const allowed = accounts.explained(await accounts.encrypt('carol', { app: 'a', more: 'b' }))
    assert.equal(allowed.decisions[0]?.path, 'grant')
    assert.deepEqual(allowed.decisions[0].grants, [{ grantId, name: 'for-carol' }])
    const denied = accounts.explained(await accounts.encrypt('carol', { app: 'b' }))
    assert.deepEqual(denied.decisions[0]?.nearMisses, [
      {
        kind: 'grant',
        grantId,
        name: 'for-carol',
        unmet: [
          {
            operator: 'EncryptionContextSubset',
            key: 'encryption context',
            values: ['app=a'],
            actual: ['app=b'],
          },
        ],
      },
    ])
    const told = (await accounts.accesses()).get(identityArn('user', 'carol', OTHER))
    assert.equal(told?.outcome, 'conditional')
    assert.deepEqual(told.ways[0]?.grant?.conditions, [
      { operator: 'EncryptionContextSubset', key: 'encryption context', values: ['app=a'] },
    ])
    await accounts.as('root').kms('RevokeGrant', { KeyId: accounts.keyId, GrantId: grantId })
    assert.equal((await accounts.accesses()).get(identityArn('user', 'carol', OTHER)), undefined)
  })

  test('other accounts, services and everyone are told where the key policy names them', async () => {
    const encryptOnly = { Effect: 'Allow', Action: 'kms:Encrypt', Resource: '*' }
    await accounts.putPolicy(
      TO_ACCOUNT,
      { ...encryptOnly, Principal: { AWS: STRANGER } },
      { ...encryptOnly, Principal: { Service: 'logs.amazonaws.com' } },
      {
        ...encryptOnly,
        Principal: '*',
        Condition: { StringEquals: { 'kms:ViaService': 'ssm.eu-central-1.amazonaws.com' } },
      },
    )
    const may = await accounts.accesses()
    const stranger = may.get(STRANGER)
    assert.deepEqual(
      [stranger?.kind, stranger?.outcome, stranger?.dependsOnAccount],
      ['account', 'conditional', true],
    )
    assert.equal(may.get('logs.amazonaws.com')?.outcome, 'always')
    const anyone = may.get('*')
    assert.equal(anyone?.kind, 'anyone')
    assert.equal(anyone.ways[0]?.requires[0]?.[0]?.conditions[0]?.key, 'kms:ViaService')
    // All of an account on this node are looked at: the role may, by its own policies and the statement for all.
    assert.equal(may.get(identityArn('role', 'app', OTHER))?.outcome, 'conditional')
    assert.equal(may.get(identityArn('user', 'carol', OTHER)), undefined)
    await accounts.putPolicy(TO_ACCOUNT, TO_APP)
  })

  test('lists are continued where they ended', async () => {
    const whole = await accounts.explorer.whoCan({ action: 'Encrypt', key: accounts.keyArn })
    const names: string[] = []
    let next: string | undefined
    do {
      const page: WhoCan = await accounts.explorer.whoCan({
        action: 'Encrypt',
        key: accounts.keyArn,
        limit: 1,
        after: next,
      })
      names.push(...page.accesses.map(({ principal }) => principal))
      next = page.next
    } while (next !== undefined)
    assert.deepEqual(
      names,
      whole.accesses.map(({ principal }) => principal),
    )
  })

  test('a simulation tells who gains and who loses, and warns of a lockout', async () => {
    const change = (...Statement: readonly object[]): Promise<Simulation> =>
      accounts.explorer.simulate({
        key: accounts.keyArn,
        actions: ['kms:Encrypt', 'Decrypt'],
        change: { keyPolicy: JSON.stringify({ Version: '2012-10-17', Statement }) },
      })
    const same = await change(TO_ACCOUNT, TO_APP)
    assert.deepEqual([same.changes, same.warnings, same.problems], [[], [], []])
    const without = await change(TO_ACCOUNT)
    assert.deepEqual(
      without.changes.map(({ principal, action, effect }) => [principal, action, effect]),
      [[identityArn('role', 'app', OTHER), 'kms:Encrypt', 'loses']],
    )
    const locking = await change(TO_APP)
    assert.match(locking.warnings[0] ?? '', /nobody in the account could change the key policy/)
    const invalid = await change({ ...TO_APP, Principal: { AWS: identityArn('user', 'nobody') } })
    assert.match(invalid.problems[0] ?? '', /a principal that does not exist: AWS .*user\/nobody/)
    const malformed = await accounts.explorer.simulate({
      key: accounts.keyArn,
      change: { keyPolicy: '{' },
    })
    assert.match(malformed.problems[0] ?? '', /the key policy is not valid/)
    // Nothing was saved.
    assert.equal(
      (await accounts.accesses()).get(identityArn('role', 'app', OTHER))?.outcome,
      'always',
    )
  })

  test('a simulation of identity and service control policies, and of a request', async () => {
    const gains = await accounts.explorer.simulate({
      key: accounts.keyArn,
      change: { user: 'alice', policy: allowing('kms:Decrypt') },
    })
    assert.deepEqual(
      gains.changes.map(({ principal, action, effect }) => [principal, action, effect]),
      [[identityArn('user', 'alice'), 'kms:Decrypt', 'gains']],
    )
    const capped = await accounts.explorer.simulate({
      accountId: OWNER,
      actions: ['Encrypt'],
      change: { serviceControl: allowing('kms:Decrypt') },
    })
    assert.deepEqual(
      capped.changes.map(({ effect }) => effect),
      ['loses', 'loses', 'loses'],
    )
    const ask = (app: string) =>
      accounts.explorer.simulate({
        key: accounts.keyArn,
        question: {
          principal: identityArn('user', 'alice'),
          action: 'Encrypt',
          encryptionContext: { app },
        },
      })
    assert.equal((await ask('a')).decision?.allowed, true)
    const { decision } = await ask('b')
    assert.equal(decision?.allowed, false)
    assert.equal(decision.nearMisses.length, 1)
  })

  test('a call that says the id of another in its encryption context hides nothing', async () => {
    const call = await accounts.encrypt('alice', { app: 'b' })
    await accounts.encrypt('alice', {
      app: 'a',
      requestID: call.requestId,
      requestId: call.requestId,
    })
    assert.equal(accounts.explained(call).decisions[0]?.allowed, false)
  })
})
