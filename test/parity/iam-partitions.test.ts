import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as sdk from '@aws-sdk/client-iam'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { SERVICE_CONTROLS } from '../../src/core/identity-tables.ts'
import { instant, parseAccountId } from '../../src/core/ids.ts'
import { ACCOUNT, arnOf, IamAccount, type KeyPair, trustOf } from '../support/iam-account.ts'

const ADMIN = [arnOf('user/admin'), arnOf('role/admin')]
const ALL_BUT_ADMIN = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: '*', Resource: '*' },
    { Effect: 'Deny', Action: '*', Resource: ADMIN },
  ],
})

let account: IamAccount
let mallory: KeyPair

before(async () => {
  account = await IamAccount.start()
  const trust = trustOf({ AWS: ACCOUNT })
  const role = new sdk.CreateRoleCommand({ RoleName: 'admin', AssumeRolePolicyDocument: trust })
  await account.iam.send(role)
  await account.addUser('admin')
  await account.caller('mallory', ALL_BUT_ADMIN)
  mallory = await account.addKey('mallory')
})
after(() => account[Symbol.asyncDispose]())

const tagAdmin = new sdk.TagUserCommand({ UserName: 'admin', Tags: [{ Key: 'a', Value: 'b' }] })

async function assumeAdmin(region: string, partition: string, credentials: KeyPair) {
  const { endpoint } = account.node
  const sts = new STSClient({ endpoint, region, credentials, maxAttempts: 1 })
  const RoleArn = `arn:${partition}:iam::${ACCOUNT}:role/admin`
  try {
    return await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'me' }))
  } finally {
    sts.destroy()
  }
}

test('no Deny is passed by when a request is signed for another partition', async () => {
  await assert.rejects(account.clientOf(mallory).send(tagAdmin), { name: 'AccessDenied' })
  await assert.rejects(assumeAdmin('us-east-1', 'aws', mallory), { name: 'AccessDenied' })
  const unknown = { name: 'InvalidClientTokenId' }
  await assert.rejects(account.clientOf(mallory, 'cn-north-1').send(tagAdmin), unknown)
  await assert.rejects(assumeAdmin('cn-north-1', 'aws-cn', mallory), unknown)
})

test('a role is not there under the ARN of another partition', async () => {
  const root = account.clientOf({ accessKeyId: ACCOUNT, secretAccessKey: 'any' }, 'cn-north-1')
  const UserName = 'chinese'
  await root.send(new sdk.CreateUserCommand({ UserName }))
  const input = { UserName, PolicyName: 'own', PolicyDocument: ALL_BUT_ADMIN }
  await root.send(new sdk.PutUserPolicyCommand(input))
  const { AccessKey } = await root.send(new sdk.CreateAccessKeyCommand({ UserName }))
  const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '' } = AccessKey ?? {}
  const key = { accessKeyId, secretAccessKey }
  await assert.rejects(assumeAdmin('cn-north-1', 'aws-cn', key), { name: 'AccessDenied' })
  await assert.rejects(assumeAdmin('us-east-1', 'aws', key), { name: 'InvalidClientTokenId' })
})

test('a service control policy binds the root in every partition', async () => {
  const root = { accessKeyId: ACCOUNT, secretAccessKey: 'any' }
  const accountId = parseAccountId(ACCOUNT)
  assert.ok(accountId)
  const control = { accountId, text: ALL_BUT_ADMIN, updatedAt: instant(0) }
  await account.node.records.transaction((tx) => tx.insert(SERVICE_CONTROLS, control))
  for (const region of ['us-east-1', 'cn-north-1', 'us-gov-west-1']) {
    const iam = account.clientOf(root, region)
    await assert.rejects(iam.send(tagAdmin), { name: 'AccessDenied' }, region)
    await iam.send(new sdk.ListUsersCommand({}))
  }
})
