import assert from 'node:assert/strict'
import { Identities } from './identities.ts'
import { type MemoryNode, startMemoryNode } from './memory-node.ts'
import { createKey, listOf, succeeded, textOf, WireClient } from './wire-client.ts'

export const OWNER = '111111111111'
export const FRIEND = '222222222222'
export const REGION = 'eu-central-1'
export const rootOf = (account: string): string => `arn:aws:iam::${account}:root`
/** Who gets grants where it does not matter who. */
export const GRANTEE = `arn:aws:iam::${OWNER}:role/app/worker`
/** The id of no grant. */
export const NO_GRANT = '0'.repeat(64)

/** What CreateGrant answers. */
export interface Made {
  readonly id: string
  readonly token: string
}

/** A node with a key that has grants, its owner, a friend who is named in some of them, and a stranger. */
export class GrantBench {
  readonly node: MemoryNode
  readonly owner: WireClient
  readonly friend: WireClient
  readonly stranger: WireClient
  readonly key: { readonly id: string; readonly arn: string }

  private constructor(node: MemoryNode, owner: WireClient, key: { id: string; arn: string }) {
    this.node = node
    this.owner = owner
    this.friend = new WireClient(node.endpoint, FRIEND)
    this.stranger = new WireClient(node.endpoint, '333333333333')
    this.key = key
  }

  static async open(): Promise<GrantBench> {
    const node = await startMemoryNode()
    const owner = new WireClient(node.endpoint, OWNER)
    await new Identities(node.records).addRole(OWNER, '/app/worker')
    return new GrantBench(node, owner, await createKey(owner))
  }

  /** Makes a grant on the key, or on another one. */
  async grant(input: object = {}, keyId = this.key.id): Promise<Made> {
    const request = { KeyId: keyId, GranteePrincipal: GRANTEE, Operations: ['Decrypt'], ...input }
    const made = succeeded(await this.owner.kms('CreateGrant', request))
    assert.deepEqual(Object.keys(made).sort(), ['GrantId', 'GrantToken'])
    return { id: textOf(made, 'GrantId'), token: textOf(made, 'GrantToken') }
  }

  /** The ids of what ListGrants answers. */
  async ids(input: object): Promise<readonly string[]> {
    const listed = succeeded(await this.owner.kms('ListGrants', input))
    return listOf(listed, 'Grants').map((entry) => textOf(entry, 'GrantId'))
  }

  async close(): Promise<void> {
    for (const client of [this.owner, this.friend, this.stranger]) client.close()
    await this.node.close()
  }
}
