import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  CreateKeyCommand,
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  KMSClient,
  ListKeysCommand,
} from '@aws-sdk/client-kms'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'

const ACCOUNT = '111122223333'
const REGION = 'eu-central-1'
const KEY_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

describe('the unmodified SDK', () => {
  let node: MemoryNode
  let kms: KMSClient

  const clientIn = (region: string): KMSClient =>
    new KMSClient({
      endpoint: node.endpoint,
      region,
      credentials: { accessKeyId: ACCOUNT, secretAccessKey: 'any' },
      maxAttempts: 1,
    })

  before(async () => {
    node = await startMemoryNode()
    kms = clientIn(REGION)
  })

  after(async () => {
    kms.destroy()
    await node.close()
  })

  test('reads an error as its own exception, with status and request id', async () => {
    await assert.rejects(
      kms.send(new DescribeKeyCommand({ KeyId: 'alias/none' })),
      (error: Error & { $metadata?: { httpStatusCode?: number; requestId?: string } }) => {
        assert.equal(error.name, 'NotFoundException')
        assert.equal(
          error.message,
          `Alias arn:aws:kms:${REGION}:${ACCOUNT}:alias/none is not found.`,
        )
        assert.equal(error.$metadata?.httpStatusCode, 400)
        assert.match(String(error.$metadata.requestId), KEY_ID)
        return true
      },
    )
  })

  test('gets ARNs with the prefix of every other partition', async () => {
    for (const [region, partition] of [
      ['cn-north-1', 'aws-cn'],
      ['us-gov-west-1', 'aws-us-gov'],
      ['us-iso-east-1', 'aws-iso'],
    ] as const) {
      const there = clientIn(region)
      const { KeyMetadata } = await there.send(new CreateKeyCommand({}))
      assert.equal(
        KeyMetadata?.Arn,
        `arn:${partition}:kms:${region}:${ACCOUNT}:key/${KeyMetadata?.KeyId}`,
      )
      const { Policy } = await there.send(new GetKeyPolicyCommand({ KeyId: KeyMetadata.Arn }))
      assert.ok(Policy?.includes(`"arn:${partition}:iam::${ACCOUNT}:root"`))
      assert.equal((await there.send(new ListKeysCommand({}))).Keys?.length, 1)
      there.destroy()
    }
  })
})
