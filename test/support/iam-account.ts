import assert from 'node:assert/strict'
import * as sdk from '@aws-sdk/client-iam'
import { type MemoryNode, startMemoryNode } from './memory-node.ts'

export const ACCOUNT = '111122223333'
export const OTHER_ACCOUNT = '444455556666'

/** The policy that allows everything on everything. */
export const ALLOW_ALL = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
})

/** A policy of one statement. */
export const policyOf = (statement: object): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: [statement] })

/** A trust policy for one principal. */
export const trustOf = (principal: object | string): string =>
  policyOf({ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole' })

/** `arn:aws:iam::111122223333:` and what stands behind it. */
export const arnOf = (resource: string, account: string = ACCOUNT): string =>
  `arn:aws:iam::${account}:${resource}`

export interface KeyPair {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** A node in memory whose IAM is called through the unmodified SDK. */
export class IamAccount implements AsyncDisposable {
  readonly node: MemoryNode
  /** The root of `ACCOUNT`. */
  readonly iam: sdk.IAMClient
  readonly #clients: sdk.IAMClient[] = []

  private constructor(node: MemoryNode) {
    this.node = node
    this.iam = this.clientOf({ accessKeyId: ACCOUNT, secretAccessKey: 'any' })
  }

  static async start(): Promise<IamAccount> {
    return new IamAccount(await startMemoryNode())
  }

  /** On a node that somebody else closes. */
  static on(node: MemoryNode): IamAccount {
    return new IamAccount(node)
  }

  clientOf(credentials: KeyPair, region = 'us-east-1'): sdk.IAMClient {
    const { endpoint } = this.node
    const client = new sdk.IAMClient({ endpoint, region, credentials, maxAttempts: 1 })
    this.#clients.push(client)
    return client
  }

  /** The root of another account. */
  foreign(): sdk.IAMClient {
    return this.clientOf({ accessKeyId: OTHER_ACCOUNT, secretAccessKey: 'any' })
  }

  async addUser(UserName: string, more: Partial<sdk.CreateUserCommandInput> = {}) {
    const { User } = await this.iam.send(new sdk.CreateUserCommand({ UserName, ...more }))
    assert.ok(User)
    return User
  }

  /** An access key of a user. */
  async addKey(UserName: string): Promise<KeyPair> {
    const { AccessKey } = await this.iam.send(new sdk.CreateAccessKeyCommand({ UserName }))
    const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } = AccessKey ?? {}
    assert.ok(accessKeyId && secretAccessKey)
    return { accessKeyId, secretAccessKey }
  }

  /** A user with an inline policy, as a client. */
  async caller(UserName: string, policy?: string): Promise<sdk.IAMClient> {
    await this.addUser(UserName)
    if (policy !== undefined) {
      const input = { UserName, PolicyName: 'own', PolicyDocument: policy }
      await this.iam.send(new sdk.PutUserPolicyCommand(input))
    }
    return this.clientOf(await this.addKey(UserName))
  }

  /** The record of a call that the SDK made. */
  recordOf({ $metadata }: { readonly $metadata: { readonly requestId?: string | undefined } }) {
    return this.node.sink.record($metadata.requestId ?? '')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.destroy()
    await this.node.close()
  }
}

/** Asserts that a call is refused with a code (`NoSuchEntity` is the SDK's `NoSuchEntityException`) and a text. */
export const refusesAs = (
  call: Promise<unknown>,
  name: string,
  message: string | RegExp,
): Promise<void> => assert.rejects(call, { name, message })

/** A policy document as replies have it. */
export const decoded = (document: string | undefined): string =>
  decodeURIComponent(document ?? assert.fail('no document'))
