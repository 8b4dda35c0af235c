import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-iam'
import { startServer } from '../support/server-process.ts'
import { Terraform, terraformSkip } from '../support/terraform.ts'

describe('identities that Terraform manages', { skip: terraformSkip }, () => {
  test('are made, are as they were asked for, change and go', async () => {
    await using server = await startServer()
    const { accessKeyId, secretAccessKey } = server.credentials
    const terraform = new Terraform('test/extra/terraform/iam', server.endpoint, {
      variables: { access_key: accessKeyId, secret_key: secretAccessKey },
      environment: {},
    })
    await terraform.init()
    await terraform.apply()
    await terraform.assertNothingToDo()
    const made = await terraform.outputs()
    assert.deepEqual(made['staff'], ['alice', 'bob'])

    const second = { second: 'true' }
    await terraform.apply(second)
    await terraform.assertNothingToDo(second)
    const changed = await terraform.outputs()
    assert.deepEqual(changed['staff'], ['alice'])
    assert.deepEqual(
      [changed['alice_id'], changed['reader_id']],
      [made['alice_id'], made['reader_id']],
      'what was changed in place is the same as before',
    )

    await terraform.destroy()
    const iam = new sdk.IAMClient({
      endpoint: server.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId, secretAccessKey },
      maxAttempts: 1,
    })
    const left = await iam.send(new sdk.GetAccountAuthorizationDetailsCommand({}))
    assert.deepEqual(
      [left.UserDetailList, left.GroupDetailList, left.RoleDetailList, left.Policies],
      [[], [], [], []],
    )
    iam.destroy()
    await server.stop()
  })
})
