import assert from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import { CloudTrailClient } from '@aws-sdk/client-cloudtrail'
import { S3Client, S3ServiceException } from '@aws-sdk/client-s3'
import { bucketOf } from '../../src/audit/trail/trail-format.ts'
import { instant } from '../../src/core/ids.ts'
import { ACCOUNT, IamAccount, type KeyPair, policyOf } from './iam-account.ts'
import { type MemoryNode, type MemoryNodeOptions, startMemoryNode } from './memory-node.ts'

export const BUCKET = bucketOf(ACCOUNT)
export const REGION = 'eu-central-1'
/** When the objects of the tests were put. */
export const PUT_AT = instant(Date.UTC(2026, 0, 15, 11, 5, 7))

/** The root of an account, where any secret is accepted. */
export const rootOf = (account: string): KeyPair => ({
  accessKeyId: account,
  secretAccessKey: 'any',
})

/** Unmodified clients of S3 and CloudTrail on a node in memory. */
export class TrailAccount implements AsyncDisposable {
  readonly node: MemoryNode
  readonly #open: { destroy(): void }[] = []

  private constructor(node: MemoryNode) {
    this.node = node
  }

  static async start(options: MemoryNodeOptions = {}): Promise<TrailAccount> {
    return new TrailAccount(await startMemoryNode(options))
  }

  s3(credentials: KeyPair = rootOf(ACCOUNT), region = REGION): S3Client {
    const { endpoint } = this.node
    const client = new S3Client({ endpoint, region, credentials, maxAttempts: 1 })
    this.#open.push(client)
    return client
  }

  cloudTrail(credentials: KeyPair = rootOf(ACCOUNT), region = REGION): CloudTrailClient {
    const { endpoint } = this.node
    const client = new CloudTrailClient({ endpoint, region, credentials, maxAttempts: 1 })
    this.#open.push(client)
    return client
  }

  /** The access key of a new user who has one policy statement. */
  async user(UserName: string, statement: object): Promise<KeyPair> {
    const iam = IamAccount.on(this.node)
    await iam.caller(UserName, policyOf(statement))
    return iam.addKey(UserName)
  }

  /** Puts an object as deliveries do. */
  async put(key: string, text: string, metadata: Readonly<Record<string, string>> = {}) {
    const body = gzipSync(text)
    await this.node.trailFiles.objects.put(ACCOUNT, { key, body, metadata, modifiedAt: PUT_AT })
    return body
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#open) client.destroy()
    await this.node.close()
  }
}

/** Asserts that S3 refuses a call with a code, a status and a text. */
export const refusedByS3 = (
  call: Promise<unknown>,
  code: string,
  status: number,
  message?: string | RegExp,
): Promise<void> =>
  assert.rejects(call, (error) => {
    assert.ok(error instanceof S3ServiceException, String(error))
    assert.deepEqual([error.name, error.$metadata.httpStatusCode], [code, status], error.message)
    if (typeof message === 'string') assert.equal(error.message, message)
    else if (message !== undefined) assert.match(error.message, message)
    return true
  })

/** Asserts that S3 answers with a status and no text, as it does to HEAD. */
export const answersS3 = (call: Promise<unknown>, status: number): Promise<void> =>
  assert.rejects(call, (error) => {
    assert.ok(error instanceof S3ServiceException, String(error))
    assert.equal(error.$metadata.httpStatusCode, status)
    return true
  })
