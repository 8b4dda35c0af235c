import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AssumeRoleCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { parseAccountId } from '../../src/core/ids.ts'
import { Secret } from '../../src/core/secret.ts'
import { asServicePrincipal, onBehalfOf } from '../../src/pipeline/service-callers.ts'
import { AccountIdentities, allowing, policyOf } from '../support/account-identities.ts'
import type { Frame, JsonObject } from '../support/memory-node.ts'
import { callBy, regionOf, userPrincipal } from '../support/principals.ts'
import { credentialsIn, stsClient } from '../support/sts-client.ts'
import { OTHER, OWNER, TO_ACCOUNT, TwoAccounts } from '../support/two-accounts.ts'
import {
  blob,
  createKey,
  succeeded,
  textOf,
  type WireAnswer,
  WireClient,
} from '../support/wire-client.ts'

const REGION = 'eu-central-1'
const THIRD = '777788889999'

/** The members of a record that differ between the accounts that have it. */
const OWN_MEMBERS = ['eventID', 'recipientAccountId', 'userIdentity', 'resources']

const common = (record: JsonObject): object =>
  Object.fromEntries(Object.entries(record).filter(([name]) => !OWN_MEMBERS.includes(name)))

/** Opens a key of the third account to the first one, and to a service. */
const toOwner = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { AWS: [THIRD, OWNER] }, Action: 'kms:*', Resource: '*' },
    {
      Effect: 'Allow',
      Principal: { Service: `logs.${REGION}.amazonaws.com` },
      Action: 'kms:Describe*',
      Resource: '*',
    },
  ],
})

describe('a call that is about another account', () => {
  let accounts: TwoAccounts
  let third: WireClient

  before(async () => {
    accounts = await TwoAccounts.start()
    third = await clientOf(accounts, THIRD)
    const { keyId } = accounts
    const AliasName = 'alias/shared'
    succeeded(await accounts.as('root').kms('CreateAlias', { AliasName, TargetKeyId: keyId }))
    await accounts.putPolicy(TO_ACCOUNT, {
      Effect: 'Allow',
      Principal: { AWS: OTHER },
      Action: 'kms:*',
      Resource: '*',
    })
  })

  after(async () => {
    third.close()
    await accounts.close()
  })

  const frameOf = ({ requestId }: Pick<WireAnswer, 'requestId'>): Frame =>
    accounts.node.sink.frames.find(({ records }) => records[0]?.['requestID'] === requestId) ??
    assert.fail('no frame')

  const recordsOf = (answer: Pick<WireAnswer, 'requestId'>): readonly JsonObject[] =>
    frameOf(answer).records

  /** Two records of one call, the caller's and the owner's. */
  const assertShared = (answer: WireAnswer, status = 200): readonly [JsonObject, JsonObject] => {
    assert.equal(answer.status, status, answer.text)
    const [callers, owners, ...more] = recordsOf(answer)
    assert.ok(callers && owners && more.length === 0)
    assert.deepEqual(common(callers), common(owners))
    assert.match(textOf(callers, 'sharedEventID'), /^[0-9a-f-]{36}$/)
    assert.notEqual(callers['eventID'], owners['eventID'])
    assert.deepEqual([callers['recipientAccountId'], owners['recipientAccountId']], [OTHER, OWNER])
    return [callers, owners]
  }

  test('stands in both, in one frame: the owner sees account and id of the caller alone', async () => {
    const answer = await accounts.encrypt('other root', { app: 'Ω' })
    const [callers, owners] = assertShared(answer)
    const resources = [{ accountId: OWNER, type: 'AWS::KMS::Key', ARN: accounts.keyArn }]
    assert.deepEqual([callers['resources'], owners['resources']], [resources, resources])
    assert.equal((callers['userIdentity'] as JsonObject)['type'], 'Root')
    assert.deepEqual(owners['userIdentity'], {
      type: 'AWSAccount',
      principalId: OTHER,
      accountId: OTHER,
    })
    assert.deepEqual(owners['requestParameters'], {
      keyId: accounts.keyArn,
      encryptionAlgorithm: 'SYMMETRIC_DEFAULT',
      encryptionContext: { app: 'Ω' },
    })
  })

  test('a session of a role is told by its unique id', async () => {
    const [callers, owners] = assertShared(await accounts.encrypt('app', {}))
    const principalId = `${accounts.app.roleId}:one`
    assert.equal((callers['userIdentity'] as JsonObject)['type'], 'AssumedRole')
    assert.deepEqual(owners['userIdentity'], { type: 'AWSAccount', principalId, accountId: OTHER })
    assert.ok(!JSON.stringify(owners).includes('ASIA'))
  })

  test('reads, changes and failures behind the authorization are shared', async () => {
    const root = accounts.as('other root')
    const KeyId = accounts.keyArn
    assertShared(await root.kms('DescribeKey', { KeyId }))
    const grant = { KeyId, GranteePrincipal: OTHER, Operations: ['Decrypt'] }
    const made = await root.kms('CreateGrant', grant)
    const [, owners] = assertShared(made)
    const GrantId = textOf(made.json, 'GrantId')
    assert.deepEqual(owners['responseElements'], { grantId: GrantId, keyId: KeyId })
    assertShared(await root.kms('RevokeGrant', { KeyId, GrantId }))
    const rehearsed = await root.kms('Encrypt', { KeyId, Plaintext: blob('x'), DryRun: true })
    assert.equal(assertShared(rehearsed, 400)[1]['errorCode'], 'DryRunOperationException')
    succeeded(await accounts.as('root').kms('DisableKey', { KeyId }))
    const [, disabled] = assertShared(
      await root.kms('Encrypt', { KeyId, Plaintext: blob('x') }),
      400,
    )
    assert.equal(disabled['errorCode'], 'DisabledException')
    succeeded(await accounts.as('root').kms('EnableKey', { KeyId }))
  })

  test('a denial stands in the caller’s account alone, as does what its form refuses', async () => {
    const KeyId = accounts.keyArn
    for (const [operation, input] of [
      ['Encrypt', { KeyId, Plaintext: blob('x') }],
      ['DescribeKey', { KeyId: KeyId.replace('key/', 'alias/') }],
      ['Encrypt', { KeyId }],
    ] as const) {
      const answer = await accounts.as('carol').kms(operation, input)
      assert.equal(answer.status, 400)
      const [record, ...more] = recordsOf(answer)
      assert.deepEqual([record?.['recipientAccountId'], more.length], [OTHER, 0])
      assert.ok(record && !('sharedEventID' in record || 'resources' in record))
    }
  })

  test('within one account there is one record, without a shared id', async () => {
    const records = recordsOf(await accounts.encrypt('bob', {}))
    assert.equal(records.length, 1)
    assert.ok(!('sharedEventID' in (records[0] ?? {})))
  })

  test('what a service does for somebody is told as done by the service', async () => {
    const { bob } = accounts
    const foreign = await createKey(third, { Policy: toOwner })
    const origin = onBehalfOf(callBy(userPrincipal(bob)), 'ssm')
    const { CiphertextBlob } = await accounts.node.kms.call(origin, 'Encrypt', {
      KeyId: foreign.arn,
      Plaintext: new Secret(new Uint8Array([1])),
    })
    assert.ok(CiphertextBlob)
    const [callers, owners] = accounts.node.sink.frames.at(-1)?.records ?? []
    assert.equal(callers?.['recipientAccountId'], OWNER)
    assert.deepEqual(owners?.['userIdentity'], {
      type: 'AWSAccount',
      principalId: bob.userId,
      accountId: OWNER,
      invokedBy: 'ssm.amazonaws.com',
    })
    assert.equal(owners['recipientAccountId'], THIRD)
    assert.equal(owners['sourceIPAddress'], 'ssm.amazonaws.com')
    const errand = { service: 'logs', region: regionOf(REGION), sourceArn: 'arn:aws:logs:::x' }
    const service = asServicePrincipal({ ...errand, sourceAccount: OWNER })
    await accounts.node.kms.call(service, 'DescribeKey', { KeyId: foreign.arn })
    const [first, second] = accounts.node.sink.frames.at(-1)?.records ?? []
    const invokedBy = `logs.${REGION}.amazonaws.com`
    for (const record of [first, second]) {
      assert.deepEqual(record?.['userIdentity'], { type: 'AWSService', invokedBy })
    }
    assert.equal(second?.['recipientAccountId'], THIRD)
  })

  test('the owner is told of the last use by its own record', async () => {
    const answer = await accounts.encrypt('other root')
    const [, owners] = assertShared(answer)
    const KeyId = accounts.keyId
    const asked = succeeded(await accounts.as('root').kms('GetKeyLastUsage', { KeyId }))
    assert.equal((asked['KeyLastUsage'] as JsonObject)['CloudTrailEventId'], owners['eventID'])
  })

  test('is explained as the one call that it is', async () => {
    const answer = await accounts.encrypt('other root')
    assert.equal(accounts.explained(answer).caller.accountId, OTHER)
  })
})

describe('one call about keys of two other accounts', () => {
  let accounts: TwoAccounts
  let third: WireClient

  before(async () => {
    accounts = await TwoAccounts.start()
    third = await clientOf(accounts, THIRD)
  })

  after(async () => {
    third.close()
    await accounts.close()
  })

  test('ReEncrypt leaves each owner a record with its own key', async () => {
    const open = { Effect: 'Allow', Principal: { AWS: OTHER }, Action: 'kms:*', Resource: '*' }
    const toThird = { Effect: 'Allow', Principal: { AWS: THIRD }, Action: 'kms:*', Resource: '*' }
    await accounts.putPolicy(TO_ACCOUNT, open)
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [toThird, open] })
    const { arn } = await createKey(third, { Policy })
    const { CiphertextBlob } = succeeded(await accounts.encrypt('other root'))
    const answer = await accounts
      .as('other root')
      .kms('ReEncrypt', { CiphertextBlob, DestinationKeyId: arn })
    assert.equal(answer.status, 200, answer.text)
    const frame = accounts.node.sink.frames.at(-1)
    const shown = frame?.records.map(({ recipientAccountId, resources }) => [
      recipientAccountId,
      (resources as readonly JsonObject[]).map(({ ARN }) => ARN),
    ])
    assert.deepEqual(shown, [
      [OTHER, [accounts.keyArn, arn]],
      [OWNER, [accounts.keyArn]],
      [THIRD, [arn]],
    ])
    const records = frame?.records ?? []
    assert.equal(new Set(records.map(({ sharedEventID }) => sharedEventID)).size, 1)
    assert.equal(new Set(records.map(({ eventID }) => eventID)).size, 3)
    for (const { userIdentity } of records.slice(1)) {
      assert.deepEqual(userIdentity, { type: 'AWSAccount', principalId: OTHER, accountId: OTHER })
    }
  })
})

describe('a role of another account', () => {
  test('is assumed on both accounts’ records, and refused on the caller’s alone', async () => {
    const accounts = await TwoAccounts.start()
    const { node, owner, other } = accounts
    const caller = await other.user('eve', { inlinePolicies: { sts: allowing('sts:*') } })
    const trust = { Effect: 'Allow', Principal: { AWS: OTHER }, Action: 'sts:AssumeRole' }
    const role = await owner.role('visited', policyOf(trust))
    await owner.role('closed', policyOf({ ...trust, Principal: { AWS: OWNER } }))
    const sts = stsClient(node.endpoint, await other.accessKey(caller))
    const RoleArn = `arn:aws:iam::${OWNER}:role/visited`
    const RoleSessionName = 'one'
    const reply = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName }))
    const [callers, owners, ...more] = node.sink.frames.at(-1)?.records ?? []
    assert.ok(callers && owners && more.length === 0)
    assert.deepEqual(common(callers), common(owners))
    assert.deepEqual([callers['recipientAccountId'], owners['recipientAccountId']], [OTHER, OWNER])
    assert.equal((callers['userIdentity'] as JsonObject)['type'], 'IAMUser')
    assert.deepEqual(owners['userIdentity'], {
      type: 'AWSAccount',
      principalId: caller.userId,
      accountId: OTHER,
    })
    assert.deepEqual(owners['resources'], [
      { accountId: OWNER, type: 'AWS::IAM::Role', ARN: RoleArn },
    ])
    assert.match(JSON.stringify(owners['responseElements']), new RegExp(role.roleId))
    const closed = { RoleArn: `arn:aws:iam::${OWNER}:role/closed`, RoleSessionName }
    await assert.rejects(sts.send(new AssumeRoleCommand(closed)), { name: 'AccessDenied' })
    const denied = node.sink.frames.at(-1)?.records ?? []
    assert.deepEqual(
      denied.map(({ recipientAccountId }) => recipientAccountId),
      [OTHER],
    )
    // The session acts in the role's account: its calls are no longer shared.
    const session = stsClient(node.endpoint, credentialsIn(reply))
    await session.send(new GetCallerIdentityCommand({}))
    assert.equal(node.sink.frames.at(-1)?.records.length, 1)
    session.destroy()
    sts.destroy()
    await accounts.close()
  })
})

/** The root of a further account. */
async function clientOf({ node }: TwoAccounts, accountId: string): Promise<WireClient> {
  const account = new AccountIdentities(node.records, parseAccountId(accountId) ?? assert.fail())
  const key = await account.accessKey(undefined)
  return new WireClient(node.endpoint, key.accessKeyId, REGION, key.secretAccessKey)
}
