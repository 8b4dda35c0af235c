import { hash } from 'node:crypto'
import type { NameKind, PolicyHolder, Role, User } from '../../src/core/identity.ts'
import { IDENTITY_NAMES, nameKey, ROLES, USERS } from '../../src/core/identity-tables.ts'
import { type AccountId, instant, parseAccessKeyId, parseAccountId } from '../../src/core/ids.ts'
import type { RecordStore } from '../../src/core/records.ts'
import { Secret } from '../../src/core/secret.ts'
import { CREDENTIALS, type Table } from '../../src/core/tables.ts'

/** A path and a name, as ARNs have them: `/app/worker`. */
type PathAndName = string

function parsed(accountId: string, pathAndName: PathAndName) {
  const account = parseAccountId(accountId)
  const at = pathAndName.lastIndexOf('/') + 1
  if (account === undefined || at === 0) throw new TypeError(`no identity: ${pathAndName}`)
  return { accountId: account, path: pathAndName.slice(0, at), name: pathAndName.slice(at) }
}

/** A unique id that the name and a serial number decide. */
const idOf = (prefix: string, ...parts: readonly (string | number)[]): string =>
  prefix +
  hash('sha256', JSON.stringify(parts))
    .replace(/[^a-f2-7]/g, '')
    .toUpperCase()
    .slice(0, 17)

const holder: PolicyHolder = { inlinePolicies: {}, attachedPolicyArns: [] }

/** Puts users and roles into a store, as the IAM service would. */
export class Identities {
  readonly #records: RecordStore
  #serial = 0

  constructor(records: RecordStore) {
    this.#records = records
  }

  async addUser(
    accountId: string,
    pathAndName: PathAndName,
    more: Partial<User> = {},
  ): Promise<User> {
    const named = parsed(accountId, pathAndName)
    const userId = idOf('AIDA', accountId, pathAndName, this.#serial++)
    const user: User = {
      ...holder,
      ...named,
      userId,
      createdAt: instant(0),
      tags: {},
      groupIds: [],
      ...more,
    }
    await this.#records.transaction(async (tx) => tx.insert(USERS, user))
    await this.#name(named, 'user', userId)
    return user
  }

  async addRole(
    accountId: string,
    pathAndName: PathAndName,
    more: Partial<Role> = {},
  ): Promise<Role> {
    const named = parsed(accountId, pathAndName)
    const roleId = idOf('AROA', accountId, pathAndName, this.#serial++)
    const role: Role = {
      ...holder,
      ...named,
      roleId,
      createdAt: instant(0),
      tags: {},
      description: '',
      trustPolicy: { text: '{"Version":"2012-10-17","Statement":[]}', principalIds: {} },
      maxSessionSeconds: 3600,
      ...more,
    }
    await this.#records.transaction(async (tx) => tx.insert(ROLES, role))
    await this.#name(named, 'role', roleId)
    return role
  }

  /** An access key of a user: its id, and the secret that `WireClient` takes. */
  async addAccessKey({ accountId, userId }: User): Promise<{ id: string; secret: string }> {
    const id = idOf('AKIA', userId, this.#serial++).slice(0, 20)
    const accessKeyId = parseAccessKeyId(id)
    if (accessKeyId === undefined) throw new TypeError(`no access key id: ${id}`)
    const text = 'a secret access key of a test'
    using secret = new Secret(new TextEncoder().encode(text))
    await this.#records.transaction((tx) =>
      tx.insert(
        CREDENTIALS,
        {
          accessKeyId,
          accountId,
          principal: { type: 'User', userId },
          status: 'Active',
          createdAt: instant(0),
        },
        secret,
      ),
    )
    return { id, secret: text }
  }

  /** Changes a record that is there. */
  async change<R>(table: Table<R>, key: readonly string[], more: Partial<R>): Promise<void> {
    await this.#records.transaction(async (tx) => {
      const stored = await tx.find(table, key)
      if (stored === undefined) throw new TypeError(`no ${table.schema.name} ${key.join()}`)
      await tx.update(table, stored, { ...stored.record, ...more })
    })
  }

  /** As DeleteUser does. */
  async removeUser({ userId, accountId, name }: User): Promise<void> {
    await this.#records.transaction(async (tx) => {
      const user = await tx.find(USERS, [userId])
      const taken = await tx.find(IDENTITY_NAMES, [accountId, 'user', nameKey(name)])
      if (user === undefined || taken === undefined) throw new TypeError(`no user ${name}`)
      await tx.remove(USERS, user)
      await tx.remove(IDENTITY_NAMES, taken)
    })
  }

  async #name(
    { accountId, name }: { readonly accountId: AccountId; readonly name: string },
    kind: NameKind,
    id: string,
  ): Promise<void> {
    await this.#records.transaction((tx) =>
      tx.insert(IDENTITY_NAMES, { accountId, kind, name, id }),
    )
  }
}
