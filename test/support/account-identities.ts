import assert from 'node:assert/strict'
import type { OidcProvider, Role, User } from '../../src/core/identity.ts'
import { IDENTITY_NAMES, OIDC_PROVIDERS, ROLES, USERS } from '../../src/core/identity-tables.ts'
import type { AccountId } from '../../src/core/ids.ts'
import { instant, parseAccessKeyId } from '../../src/core/ids.ts'
import type { RecordStore } from '../../src/core/records.ts'
import { Secret } from '../../src/core/secret.ts'
import { CREDENTIALS, type Credential } from '../../src/core/tables.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { drawAccessKeyId, drawUniqueId } from '../../src/identity/access-keys.ts'
import { bindPrincipals } from '../../src/identity/bound-policy.ts'

/** An access key with its secret. */
export interface TestKey {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

const random = createRandom()
const BORN = instant(Date.UTC(2026, 0, 1))

/** A policy of one statement. */
export const policyOf = (statement: object): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: [statement] })

/** Allows actions on everything. */
export const allowing = (...actions: readonly string[]): string =>
  policyOf({ Effect: 'Allow', Action: actions, Resource: '*' })

/** Puts users, roles and providers straight into the store. */
export class AccountIdentities {
  readonly #records: RecordStore
  readonly #accountId: AccountId

  constructor(records: RecordStore, accountId: AccountId) {
    this.#records = records
    this.#accountId = accountId
  }

  async user(name: string, about: Partial<User> = {}): Promise<User> {
    const user: User = {
      accountId: this.#accountId,
      name,
      path: '/',
      createdAt: BORN,
      tags: {},
      userId: drawUniqueId(random, 'AIDA'),
      groupIds: [],
      inlinePolicies: {},
      attachedPolicyArns: [],
      ...about,
    }
    await this.#records.transaction(async (tx) => {
      await tx.insert(USERS, user)
      const { accountId, userId: id } = user
      await tx.insert(IDENTITY_NAMES, { accountId, kind: 'user', name, id })
    })
    return user
  }

  /** An access key of a user, or of the account's root. */
  async accessKey(user: User | undefined): Promise<TestKey> {
    const accessKeyId = parseAccessKeyId(drawAccessKeyId(random, 'AKIA')) ?? assert.fail()
    const secretAccessKey = 'secret access key of forty characters: x'
    const credential: Credential = {
      accessKeyId,
      accountId: this.#accountId,
      principal: user === undefined ? { type: 'Root' } : { type: 'User', userId: user.userId },
      status: 'Active',
      createdAt: BORN,
    }
    using secret = new Secret(new TextEncoder().encode(secretAccessKey))
    await this.#records.transaction((tx) => tx.insert(CREDENTIALS, credential, secret))
    return { accessKeyId, secretAccessKey }
  }

  /** @param trust the text of its trust policy */
  async role(name: string, trust: string, about: Partial<Role> = {}): Promise<Role> {
    const place = { partition: 'aws', home: this.#accountId } as const
    const binding = await bindPrincipals(this.#records, trust, place)
    assert.ok(binding.bound, 'the principals of the trust policy exist')
    const role: Role = {
      accountId: this.#accountId,
      name,
      path: '/',
      createdAt: BORN,
      tags: {},
      roleId: drawUniqueId(random, 'AROA'),
      description: '',
      trustPolicy: binding.bound,
      maxSessionSeconds: 3600,
      inlinePolicies: {},
      attachedPolicyArns: [],
      ...about,
    }
    await this.#records.transaction(async (tx) => {
      await tx.insert(ROLES, role)
      const { accountId, roleId: id } = role
      await tx.insert(IDENTITY_NAMES, { accountId, kind: 'role', name, id })
    })
    return role
  }

  async removeRole({ roleId, name }: Role): Promise<void> {
    await this.#records.transaction(async (tx) => {
      const stored = (await tx.find(ROLES, [roleId])) ?? assert.fail()
      await tx.remove(ROLES, stored)
      const key = [this.#accountId, 'role', name.toLowerCase()]
      await tx.remove(IDENTITY_NAMES, (await tx.find(IDENTITY_NAMES, key)) ?? assert.fail())
    })
  }

  async removeUser({ userId, name }: User): Promise<void> {
    await this.#records.transaction(async (tx) => {
      await tx.remove(USERS, (await tx.find(USERS, [userId])) ?? assert.fail())
      const key = [this.#accountId, 'user', name.toLowerCase()]
      await tx.remove(IDENTITY_NAMES, (await tx.find(IDENTITY_NAMES, key)) ?? assert.fail())
    })
  }

  async changeUser({ userId }: User, change: Partial<User>): Promise<void> {
    await this.#records.transaction(async (tx) => {
      const stored = (await tx.find(USERS, [userId])) ?? assert.fail()
      await tx.update(USERS, stored, { ...stored.record, ...change })
    })
  }

  async changeRole({ roleId }: Role, change: Partial<Role>): Promise<void> {
    await this.#records.transaction(async (tx) => {
      const stored = (await tx.find(ROLES, [roleId])) ?? assert.fail()
      await tx.update(ROLES, stored, { ...stored.record, ...change })
    })
  }

  async changeKey({ accessKeyId }: TestKey, status: Credential['status']): Promise<void> {
    await this.#records.transaction(async (tx) => {
      const stored = (await tx.find(CREDENTIALS, [accessKeyId])) ?? assert.fail()
      await tx.update(CREDENTIALS, stored, { ...stored.record, status })
    })
  }

  async provider(url: string, clientIds: readonly string[]): Promise<OidcProvider> {
    const provider: OidcProvider = {
      accountId: this.#accountId,
      url,
      clientIds,
      thumbprints: [],
      createdAt: BORN,
      tags: {},
    }
    await this.#records.transaction((tx) => tx.insert(OIDC_PROVIDERS, provider))
    return provider
  }
}
