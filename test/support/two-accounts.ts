import assert from 'node:assert/strict'
import { AssumeRoleCommand } from '@aws-sdk/client-sts'
import type { Access, Explanation } from '../../src/core/explanations.ts'
import type { Role, User } from '../../src/core/identity.ts'
import { SERVICE_CONTROLS } from '../../src/core/identity-tables.ts'
import { instant, parseAccountId } from '../../src/core/ids.ts'
import { ACCOUNTS } from '../../src/core/tables.ts'
import { explainFrame, isOfRequest } from '../../src/server/explanations/explanation.ts'
import { AccessExplorer } from '../../src/services/kms/access/access-explorer.ts'
import { AccountIdentities, allowing, policyOf, type TestKey } from './account-identities.ts'
import { type MemoryNode, startMemoryNode } from './memory-node.ts'
import { credentialsIn, stsClient } from './sts-client.ts'
import { type WireAnswer, WireClient } from './wire-client.ts'

/** The account of the key, and the other one. */
export const OWNER = parseAccountId('111122223333') ?? assert.fail()
export const OTHER = parseAccountId('444455556666') ?? assert.fail()
const REGION = 'eu-central-1'

export const identityArn = (kind: 'user' | 'role', name: string, account: string = OWNER): string =>
  `arn:aws:iam::${account}:${kind}/${name}`

/** Opens the key to its account. */
export const TO_ACCOUNT = {
  Sid: 'Root',
  Effect: 'Allow',
  Principal: { AWS: OWNER },
  Action: 'kms:*',
  Resource: '*',
}
/** Opens it to a role of the other account. */
export const TO_APP = {
  Sid: 'ToApp',
  Effect: 'Allow',
  Principal: { AWS: identityArn('role', 'app', OTHER) },
  Action: ['kms:Encrypt', 'kms:Decrypt'],
  Resource: '*',
}

type Signer = TestKey & { readonly sessionToken?: string }

/** A caller with a long-term key or a session. */
class Client {
  readonly #wire: WireClient
  readonly #token: string | undefined

  constructor(node: MemoryNode, key: Signer) {
    this.#wire = new WireClient(node.endpoint, key.accessKeyId, REGION, key.secretAccessKey)
    this.#token = key.sessionToken
  }

  get #headers() {
    return this.#token === undefined ? {} : { headers: { 'x-amz-security-token': this.#token } }
  }

  kms(operation: string, input: object): Promise<WireAnswer> {
    return this.#wire.kms(operation, input, this.#headers)
  }

  /** Asks `/-/authorization/…`. */
  ask(about: string, body: unknown): Promise<WireAnswer> {
    const path = `/-/authorization/${about}`
    return this.#wire.send(JSON.stringify(body), { path, ...this.#headers })
  }

  close(): void {
    this.#wire.close()
  }
}

/**
 * A key of one account with its default policy. In its account alice may encrypt with one context alone, bob may do
 * everything; in the other one the role app may encrypt, and carol may do nothing.
 */
export class TwoAccounts {
  readonly node: MemoryNode
  readonly owner: AccountIdentities
  readonly other: AccountIdentities
  /** As an operator asks. */
  readonly explorer: AccessExplorer
  readonly #clients = new Map<string, Client>()
  #users: { readonly bob: User; readonly app: Role } | undefined
  keyArn = ''
  keyId = ''

  private constructor(node: MemoryNode) {
    this.node = node
    this.owner = new AccountIdentities(node.records, OWNER)
    this.other = new AccountIdentities(node.records, OTHER)
    this.explorer = new AccessExplorer(node.records, node.clock)
  }

  static async start(): Promise<TwoAccounts> {
    const accounts = new TwoAccounts(await startMemoryNode({ closed: true }))
    await accounts.#fill()
    return accounts
  }

  async #fill(): Promise<void> {
    const { node, owner, other } = this
    for (const accountId of [OWNER, OTHER]) {
      const account = { accountId, name: '', createdAt: instant(0) }
      await node.records.transaction((tx) => tx.insert(ACCOUNTS, account))
    }
    const onlyA = {
      Sid: 'OnlyA',
      Effect: 'Allow',
      Action: 'kms:Encrypt',
      Resource: '*',
      Condition: { StringEquals: { 'kms:EncryptionContext:app': 'a' } },
    }
    const alice = await owner.user('alice', { inlinePolicies: { app: policyOf(onlyA) } })
    const bob = await owner.user('bob', { inlinePolicies: { all: allowing('kms:*') } })
    const carol = await other.user('carol')
    const dave = await other.user('dave', { inlinePolicies: { sts: allowing('sts:AssumeRole') } })
    const trust = policyOf({ Effect: 'Allow', Principal: { AWS: OTHER }, Action: 'sts:AssumeRole' })
    const app = await other.role('app', trust, { inlinePolicies: { kms: allowing('kms:Encrypt') } })
    this.#users = { bob, app }
    this.#open('root', await owner.accessKey(undefined))
    this.#open('alice', await owner.accessKey(alice))
    this.#open('bob', await owner.accessKey(bob))
    this.#open('other root', await other.accessKey(undefined))
    this.#open('carol', await other.accessKey(carol))
    const sts = stsClient(node.endpoint, await other.accessKey(dave))
    const role = { RoleArn: identityArn('role', 'app', OTHER), RoleSessionName: 'one' }
    this.#open('app', credentialsIn(await sts.send(new AssumeRoleCommand(role))))
    sts.destroy()
    const made = await this.as('root').kms('CreateKey', {})
    const { KeyMetadata } = JSON.parse(made.text) as { KeyMetadata: { Arn: string; KeyId: string } }
    this.keyArn = KeyMetadata.Arn
    this.keyId = KeyMetadata.KeyId
  }

  #open(name: string, key: Signer): void {
    this.#clients.set(name, new Client(this.node, key))
  }

  get bob(): User {
    return this.#users?.bob ?? assert.fail()
  }

  get app(): Role {
    return this.#users?.app ?? assert.fail()
  }

  /** Who calls: `root`, `alice`, `bob`, `other root`, `carol`, `app`. */
  as(name: string): Client {
    return this.#clients.get(name) ?? assert.fail(name)
  }

  encrypt(name: string, EncryptionContext: object = {}): Promise<WireAnswer> {
    return this.as(name).kms('Encrypt', {
      KeyId: this.keyArn,
      Plaintext: 'AA==',
      EncryptionContext,
    })
  }

  async putPolicy(...statements: readonly object[]): Promise<void> {
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: statements })
    const put = await this.as('root').kms('PutKeyPolicy', { KeyId: this.keyId, Policy })
    assert.equal(put.status, 200, put.text)
  }

  /** The service control policy of the other account. */
  async setServiceControl(text: string | undefined): Promise<void> {
    await this.node.records.transaction(async (tx) => {
      const stored = await tx.find(SERVICE_CONTROLS, [OTHER])
      if (stored !== undefined) await tx.remove(SERVICE_CONTROLS, stored)
      if (text === undefined) return
      await tx.insert(SERVICE_CONTROLS, { accountId: OTHER, text, updatedAt: instant(0) })
    })
  }

  /** A call as an operator reads it. */
  explained({ requestId }: WireAnswer): Explanation {
    const text = this.node.sink.texts.findLast(isOfRequest(requestId)) ?? assert.fail('no frame')
    return explainFrame(text, requestId)?.explanation ?? assert.fail('no explanation')
  }

  /** Who can, as an operator reads it, by principal. */
  async accesses(action = 'kms:Encrypt'): Promise<ReadonlyMap<string, Access>> {
    const found = await this.explorer.whoCan({ action, key: this.keyArn })
    return new Map(found.accesses.map((access) => [access.principal, access]))
  }

  async close(): Promise<void> {
    for (const client of this.#clients.values()) client.close()
    await this.node.close()
  }
}
