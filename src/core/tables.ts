import type { AccessKeyId, AccountId, AliasName, Instant, KeyId, Region } from './ids.ts'
import type { BackingKey, Key } from './key.ts'
import type { ColumnValue, TableSchema } from './store.ts'

/** A table together with the record type it holds. A new kind of record is one more of these and a migration. */
export interface Table<R> {
  readonly schema: TableSchema
  keyOf(record: R): readonly string[]
  columnsOf(record: R): Readonly<Record<string, ColumnValue>>
}

export interface Account {
  readonly accountId: AccountId
  readonly name: string
  readonly createdAt: Instant
}

/** An access key. Its secret access key is the record's wrapped secret. Deleted ones stay, so that their ids are never trusted again. */
export interface Credential {
  readonly accessKeyId: AccessKeyId
  readonly accountId: AccountId
  readonly principal: { readonly type: 'Root' }
  readonly status: 'Active' | 'Deleted'
  readonly createdAt: Instant
}

export interface Alias {
  readonly accountId: AccountId
  readonly region: Region
  readonly name: AliasName
  readonly targetKeyId: KeyId
  readonly createdAt: Instant
  readonly updatedAt: Instant
}

/** The one policy of a key, named `default`. */
export interface KeyPolicy {
  readonly region: Region
  readonly keyId: KeyId
  /** As submitted. */
  readonly text: string
}

/** A secret of the service itself, such as the key that authenticates page markers. */
export interface ServiceSecret {
  readonly name: string
  readonly createdAt: Instant
  /** What belongs to the secret and is public: a certificate, for one. */
  readonly publicPart: string
}

export const ACCOUNTS: Table<Account> = {
  schema: { name: 'account', key: ['account_id'], columns: {}, indexes: {} },
  keyOf: (account) => [account.accountId],
  columnsOf: () => ({}),
}

export const CREDENTIALS: Table<Credential> = {
  schema: {
    name: 'credential',
    key: ['access_key_id'],
    columns: { account_id: 'text' },
    indexes: { by_account: ['account_id', 'access_key_id'] },
  },
  keyOf: (credential) => [credential.accessKeyId],
  columnsOf: (credential) => ({ account_id: credential.accountId }),
}

export const KEYS: Table<Key> = {
  schema: {
    name: 'kms_key',
    key: ['region', 'key_id'],
    columns: { account_id: 'text', deletion_date: 'integer' },
    indexes: {
      by_account: ['account_id', 'region', 'key_id'],
      by_deletion_date: ['deletion_date', 'region', 'key_id'],
    },
  },
  keyOf: (key) => [key.region, key.keyId],
  columnsOf: (key) => ({
    account_id: key.accountId,
    deletion_date: key.state.name === 'PendingDeletion' ? key.state.deletionDate : null,
  }),
}

export const BACKING_KEYS: Table<BackingKey> = {
  schema: {
    name: 'backing_key',
    key: ['region', 'key_id', 'material_id'],
    columns: {},
    indexes: {},
  },
  keyOf: (backing) => [backing.region, backing.keyId, backing.materialId],
  columnsOf: () => ({}),
}

export const ALIASES: Table<Alias> = {
  schema: {
    name: 'alias',
    key: ['account_id', 'region', 'name'],
    columns: { target_key_id: 'text' },
    indexes: { by_target: ['account_id', 'region', 'target_key_id', 'name'] },
  },
  keyOf: (alias) => [alias.accountId, alias.region, alias.name],
  columnsOf: (alias) => ({ target_key_id: alias.targetKeyId }),
}

export const KEY_POLICIES: Table<KeyPolicy> = {
  schema: { name: 'key_policy', key: ['region', 'key_id'], columns: {}, indexes: {} },
  keyOf: (policy) => [policy.region, policy.keyId],
  columnsOf: () => ({}),
}

export const SERVICE_SECRETS: Table<ServiceSecret> = {
  schema: { name: 'service_secret', key: ['name'], columns: {}, indexes: {} },
  keyOf: (secret) => [secret.name],
  columnsOf: () => ({}),
}

/** Every table, in the order in which migrations made them. */
export const TABLES: readonly Table<never>[] = [
  ACCOUNTS,
  CREDENTIALS,
  KEYS,
  BACKING_KEYS,
  ALIASES,
  KEY_POLICIES,
  SERVICE_SECRETS,
]
