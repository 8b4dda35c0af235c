import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-iam'
import { IAM_MODEL } from '../../src/services/iam/model.ts'
import {
  ACCOUNT,
  ALLOW_ALL,
  arnOf,
  IamAccount,
  type KeyPair,
  trustOf,
} from '../support/iam-account.ts'
import { minimalForm } from '../support/query-inputs.ts'
import { type WireAnswer, WireClient } from '../support/wire-client.ts'

const FORM = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }

/** Calls every operation with the least that it requires. */
async function callAll(
  { node }: IamAccount,
  { accessKeyId, secretAccessKey }: KeyPair,
  check: (name: string, answer: WireAnswer) => void,
): Promise<void> {
  const wire = new WireClient(node.endpoint, accessKeyId, 'us-east-1', secretAccessKey)
  for (const operation of IAM_MODEL.operations.values()) {
    const body = minimalForm(operation, IAM_MODEL.query.version).toString()
    check(operation.name, await wire.send(body, { service: 'iam', headers: FORM }))
  }
  wire.close()
}

/** What the requests of `minimalForm` name. */
async function makeAll({ iam }: IamAccount): Promise<void> {
  await iam.send(new sdk.CreateUserCommand({ UserName: 'ann' }))
  await iam.send(new sdk.CreateGroupCommand({ GroupName: 'staff' }))
  const AssumeRolePolicyDocument = trustOf({ Service: 'ec2.amazonaws.com' })
  await iam.send(new sdk.CreateRoleCommand({ RoleName: 'reader', AssumeRolePolicyDocument }))
  const policy = { PolicyName: 'shared', PolicyDocument: ALLOW_ALL }
  await iam.send(new sdk.CreatePolicyCommand(policy))
}

describe('every operation of IAM', () => {
  test('is refused to who may nothing, whether what it names is there or not', async () => {
    await using account = await IamAccount.start()
    const { iam } = account
    await makeAll(account)
    await account.addUser('powerless')
    const keys = await account.addKey('powerless')
    const details = async () => {
      const command = new sdk.GetAccountAuthorizationDetailsCommand({})
      const { $metadata: _, ...all } = await iam.send(command)
      return all
    }
    const before = await details()
    await callAll(account, keys, (name, answer) => {
      assert.equal(answer.status, 403, `${name}: ${answer.text}`)
      const [, message = ''] =
        /<Code>AccessDenied<\/Code><Message>(.*)<\/Message>/.exec(answer.text) ?? []
      const start = `User: ${arnOf('user/powerless')} is not authorized to perform: iam:${name} on resource: `
      const end = ` because no identity-based policy allows the iam:${name} action`
      assert.ok(message.startsWith(start) && message.endsWith(end), message)
    })
    assert.deepEqual(await details(), before)
  })

  test('is answered to who may everything, and nothing fails inside', async () => {
    await using account = await IamAccount.start()
    await makeAll(account)
    await account.addUser('admin')
    const input = { UserName: 'admin', PolicyName: 'all', PolicyDocument: ALLOW_ALL }
    await account.iam.send(new sdk.PutUserPolicyCommand(input))
    await callAll(account, await account.addKey('admin'), (name, { status, text, requestId }) => {
      assert.ok(status < 500, `${name}: ${text}`)
      assert.ok(!/AccessDenied|InvalidAction|MalformedInput/.test(text), `${name}: ${text}`)
      const record = account.node.sink.record(requestId)
      assert.deepEqual(
        [record['eventSource'], record['eventName'], record['awsRegion']],
        ['iam.amazonaws.com', name, 'us-east-1'],
      )
      assert.equal(record['recipientAccountId'], ACCOUNT)
      const isRead = /^(Get|List|Simulate)/.test(name)
      assert.equal(record['readOnly'], isRead, name)
      if (isRead) assert.equal(record['responseElements'], null, name)
    })
    assert.deepEqual(account.node.log.lines, [])
  })
})
