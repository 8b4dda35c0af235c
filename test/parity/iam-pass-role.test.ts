import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as sdk from '@aws-sdk/client-iam'
import { ACCOUNT, arnOf, IamAccount, trustOf } from '../support/iam-account.ts'

let account: IamAccount

before(async () => {
  account = await IamAccount.start()
})
after(() => account[Symbol.asyncDispose]())

test('a role is passed by its own ARN, with its path and in its own case', async () => {
  const RoleName = 'Power'
  const trust = trustOf({ AWS: ACCOUNT })
  const role = { RoleName, Path: '/admin/', AssumeRolePolicyDocument: trust }
  await account.iam.send(new sdk.CreateRoleCommand(role))
  const InstanceProfileName = 'machine'
  await account.iam.send(new sdk.CreateInstanceProfileCommand({ InstanceProfileName }))
  const Statement = [
    { Effect: 'Allow', Action: '*', Resource: '*' },
    { Effect: 'Deny', Action: 'iam:PassRole', Resource: arnOf('role/admin/Power') },
  ]
  const mallory = await account.caller(
    'mallory',
    JSON.stringify({ Version: '2012-10-17', Statement }),
  )
  for (const name of [RoleName, 'power']) {
    const input = { InstanceProfileName, RoleName: name }
    const adding = mallory.send(new sdk.AddRoleToInstanceProfileCommand(input))
    await assert.rejects(adding, { name: 'AccessDenied', message: /iam:PassRole/ })
  }
})
