import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-iam'
import { ALLOW_ALL, type KeyPair, trustOf } from '../support/iam-account.ts'
import {
  runStrongroom,
  type ServerProcess,
  startServer,
  temporaryFolder,
} from '../support/server-process.ts'

const clientOf = ({ endpoint }: ServerProcess, credentials: KeyPair): sdk.IAMClient =>
  new sdk.IAMClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 })

/** Everybody in the account, the reply's own facts left out. */
async function detailsOf(iam: sdk.IAMClient) {
  const command = new sdk.GetAccountAuthorizationDetailsCommand({})
  const { $metadata: _, ...details } = await iam.send(command)
  return details
}

/** A user with everything that a user may have, and an access key of it. */
async function makeIdentities(iam: sdk.IAMClient, accountId: string): Promise<KeyPair> {
  const UserName = 'ann'
  await iam.send(
    new sdk.CreateUserCommand({ UserName, Path: '/t/', Tags: [{ Key: 'a', Value: 'b' }] }),
  )
  await iam.send(new sdk.CreateGroupCommand({ GroupName: 'staff' }))
  await iam.send(new sdk.AddUserToGroupCommand({ GroupName: 'staff', UserName }))
  const policy = { PolicyName: 'all', PolicyDocument: ALLOW_ALL }
  const { Policy } = await iam.send(new sdk.CreatePolicyCommand(policy))
  const PolicyArn = Policy?.Arn
  await iam.send(new sdk.AttachUserPolicyCommand({ UserName, PolicyArn }))
  await iam.send(new sdk.PutGroupPolicyCommand({ GroupName: 'staff', ...policy }))
  const AssumeRolePolicyDocument = trustOf({ AWS: `arn:aws:iam::${accountId}:user/t/ann` })
  await iam.send(new sdk.CreateRoleCommand({ RoleName: 'reader', AssumeRolePolicyDocument }))
  const { AccessKey } = await iam.send(new sdk.CreateAccessKeyCommand({ UserName }))
  return {
    accessKeyId: AccessKey?.AccessKeyId ?? '',
    secretAccessKey: AccessKey?.SecretAccessKey ?? '',
  }
}

/** Whether a text stands in any file of a folder. */
const holds = (folder: string, text: string): boolean =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .some((entry) => readFileSync(join(entry.parentPath, entry.name)).includes(text))

describe('identities', () => {
  test('survive a restart and rotated root credentials; no secret rests in the clear', async () => {
    const folder = temporaryFolder()
    const dataFolder = join(folder, 'node')
    let keys: KeyPair
    let accountId: string
    let before: Awaited<ReturnType<typeof detailsOf>>
    {
      await using server = await startServer({ dataFolder })
      const iam = clientOf(server, server.credentials)
      const { User } = await iam.send(new sdk.GetUserCommand({}))
      accountId = User?.UserId ?? assert.fail()
      keys = await makeIdentities(iam, accountId)
      before = await detailsOf(iam)
      await server.stop()
    }
    assert.ok(!holds(dataFolder, keys.secretAccessKey))
    assert.ok(holds(dataFolder, keys.accessKeyId), 'the same search finds what is there')
    {
      await using server = await startServer({ dataFolder })
      const ann = clientOf(server, keys)
      assert.deepEqual(await detailsOf(ann), before)
      const { credentials } = server
      const rotate = ['credentials', 'rotate', '--account', accountId, '--data', dataFolder]
      const { exitCode, stderr } = await runStrongroom(rotate)
      assert.equal(exitCode, 0, stderr)
      await assert.rejects(detailsOf(clientOf(server, credentials)), {
        name: 'InvalidClientTokenId',
      })
      assert.deepEqual(await detailsOf(ann), before, 'access keys of users are their own')
      await ann.send(
        new sdk.DeleteAccessKeyCommand({ UserName: 'ann', AccessKeyId: keys.accessKeyId }),
      )
      await server.stop()
    }
    {
      await using server = await startServer({ dataFolder })
      await assert.rejects(detailsOf(clientOf(server, keys)), { name: 'InvalidClientTokenId' })
      await server.stop()
    }
  })
})
