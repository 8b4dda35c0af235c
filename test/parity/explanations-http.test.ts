import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Explanation, Simulation, WhoCan } from '../../src/core/explanations.ts'
import { allowing } from '../support/account-identities.ts'
import { identityArn, OTHER, TO_ACCOUNT, TO_APP, TwoAccounts } from '../support/two-accounts.ts'

describe('explanations over HTTP', () => {
  let accounts: TwoAccounts
  before(async () => {
    accounts = await TwoAccounts.start()
  })
  after(() => accounts.close())

  test('the owner learns what its own policies and grants said, and no more', async () => {
    await accounts.putPolicy(TO_ACCOUNT, TO_APP)
    const call = await accounts.encrypt('app')
    const asked = await accounts.as('root').ask('explain', { requestId: call.requestId })
    assert.equal(asked.status, 200, asked.text)
    const [decision] = (JSON.parse(asked.text) as Explanation).decisions
    assert.deepEqual(
      decision?.statements.map(({ policy }) => policy),
      ['key policy'],
    )
    assert.equal(decision.isPartlyHidden, true)
    assert.ok(!asked.text.includes('assumed-role'), 'a foreign caller is told by its id')
    assert.ok(!asked.text.includes('inline policy kms'))
    // bob may read the policy of the key, alice may not.
    assert.equal(
      (await accounts.as('bob').ask('explain', { requestId: call.requestId })).status,
      200,
    )
    assert.equal(
      (await accounts.as('alice').ask('explain', { requestId: call.requestId })).status,
      404,
    )
  })

  test('a caller learns of its own calls what its own account said, and no more', async () => {
    const call = await accounts.encrypt('app')
    const own = await accounts.as('app').ask('explain', { requestId: call.requestId })
    const [decision] = (JSON.parse(own.text) as Explanation).decisions
    assert.deepEqual(
      decision?.statements.map(({ policy }) => policy),
      ['role/app inline policy kms'],
    )
    assert.ok(!own.text.includes(accounts.keyId) && !own.text.includes('ToApp'))
    assert.equal(
      (await accounts.as('other root').ask('explain', { requestId: call.requestId })).status,
      200,
    )
    assert.equal(
      (await accounts.as('carol').ask('explain', { requestId: call.requestId })).status,
      404,
    )
    await accounts.putPolicy(TO_ACCOUNT)
    const denied = await accounts.encrypt('app')
    const refusal = JSON.parse(
      (await accounts.as('app').ask('explain', { requestId: denied.requestId })).text,
    ) as Explanation
    assert.deepEqual(refusal.decisions[0], {
      action: 'kms:Encrypt',
      resource: 'a resource of another account',
      allowed: false,
      statements: [],
      grants: [],
      nearMisses: [],
      isPartlyHidden: true,
    })
    await accounts.putPolicy(TO_ACCOUNT, TO_APP)
  })

  test('who-can and simulate are for those who may read the policy of the key', async () => {
    const request = { action: 'kms:Encrypt', key: accounts.keyArn }
    const found = await accounts.as('root').ask('who-can', request)
    assert.equal(found.status, 200, found.text)
    const { accesses: told } = JSON.parse(found.text) as WhoCan
    const role = told.find(({ kind }) => kind === 'role')
    assert.deepEqual(
      [role?.principal, role?.dependsOnAccount, role?.outcome],
      [identityArn('role', 'app', OTHER), true, 'conditional'],
    )
    assert.ok(!found.text.includes('inline policy kms'), 'another account keeps its policies')
    const call = accounts.node.sink.frames.findLast(({ kind }) => kind === 'call')
    assert.equal(call?.records[0]?.['eventName'], 'GetKeyPolicy')
    for (const name of ['alice', 'app', 'other root']) {
      const refused = await accounts.as(name).ask('who-can', request)
      assert.equal(refused.status, 403, name)
      assert.match(
        JSON.stringify(refused.json['error']),
        /is not authorized to perform: kms:GetKeyPolicy/,
      )
      const change = { keyPolicy: '{}' }
      assert.equal(
        (await accounts.as(name).ask('simulate', { key: accounts.keyArn, change })).status,
        403,
      )
    }
    const simulated = await accounts.as('bob').ask('simulate', {
      key: accounts.keyId,
      change: { user: 'alice', policy: allowing('kms:Decrypt') },
    })
    assert.equal((JSON.parse(simulated.text) as Simulation).changes.length, 1)
    const foreign = await accounts.as('bob').ask('simulate', {
      key: accounts.keyId,
      question: { principal: identityArn('role', 'app', OTHER), action: 'Encrypt' },
    })
    assert.equal(foreign.status, 400)
  })

  test('what is unsigned, unknown or malformed is refused in JSON', async () => {
    const post = async (about: string, body: string) => {
      const reply = await fetch(`${accounts.node.endpoint}/-/authorization/${about}`, {
        method: 'POST',
        body,
      })
      return { status: reply.status, json: await reply.json() }
    }
    for (const about of ['explain', 'who-can', 'simulate']) {
      const { status, json } = await post(about, '{}')
      assert.equal(status, 403)
      assert.equal((json as { code: string }).code, 'MissingAuthenticationTokenException')
    }
    const ask = async (about: string, body: unknown) => {
      const { status, json } = await accounts.as('root').ask(about, body)
      return [status, json['error']]
    }
    const unknown = '00000000-0000-4000-8000-000000000000'
    assert.equal((await ask('explain', { requestId: unknown }))[0], 404)
    assert.deepEqual(await ask('explain', { requestId: '"' }), [400, 'that is not a request id'])
    assert.deepEqual(await ask('explain', null), [400, 'that is not a request id'])
    assert.deepEqual(await ask('who-can', { action: 'kms:Encrypt' }), [400, 'key is missing'])
    const [status] = await ask('who-can', {
      action: 'kms:Encrypt',
      key: accounts.keyId.replace(/^./, 'x'),
    })
    assert.equal(status, 404)
    const bad = [
      { key: accounts.keyId, action: 'iam:PassRole' },
      { key: accounts.keyId, action: 'Encrypt', limit: 0 },
      { key: accounts.keyId, action: 'Encrypt', after: '../..' },
      { key: accounts.keyId, action: 'Encrypt', more: 1 },
      [],
    ]
    for (const body of bad) assert.equal((await ask('who-can', body))[0], 400, JSON.stringify(body))
    const nothing = { key: accounts.keyId }
    assert.equal((await ask('simulate', nothing))[0], 400)
    assert.equal((await ask('simulate', { ...nothing, change: { policy: '{}' } }))[0], 400)
  })
})
