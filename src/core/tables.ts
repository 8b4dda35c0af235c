import type { BoundPolicy } from './identity.ts'
import { IDENTITY_TABLES } from './identity-tables.ts'
import type { AccessKeyId, AccountId, AliasName, Instant, KeyId, Region } from './ids.ts'
import { type BackingKey, isPrimary, type Key } from './key.ts'
import { OUTBOUND_TABLES } from './outbound-tables.ts'
import type { ColumnValue, TableSchema } from './store.ts'
import { TRAIL_TABLES } from './trail-tables.ts'

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
  /** Whose it is: the account's root, or a user by unique id. */
  readonly principal: { readonly type: 'Root' } | { readonly type: 'User'; readonly userId: string }
  readonly status: 'Active' | 'Inactive' | 'Deleted'
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

/** The one policy of a key, named `default`, as submitted and with the unique ids of its principals. */
export interface KeyPolicy extends Partial<Pick<BoundPolicy, 'principalIds'>> {
  readonly region: Region
  readonly keyId: KeyId
  /** As submitted. */
  readonly text: string
}

/** What the operator set for an account: keys that were used within so many days are not scheduled for deletion. */
export interface DeletionGuard {
  readonly accountId: AccountId
  readonly days: number
  readonly updatedAt: Instant
}

/** What a grant allows only with. Source: AWS KMS API Reference, GrantConstraints. */
export interface GrantConstraints {
  readonly encryptionContextSubset?: Readonly<Record<string, string>> | undefined
  readonly encryptionContextEquals?: Readonly<Record<string, string>> | undefined
  readonly sourceArn?: string | undefined
}

/** A grant on a key. Principals stand as they were given, an account number as its root's ARN; a service principal is told by its dotted name. */
export interface Grant {
  readonly region: Region
  readonly keyId: KeyId
  /** 64 lower-case hex digits. */
  readonly grantId: string
  readonly name: string
  readonly granteePrincipal?: string | undefined
  /** As in `BoundPolicy`: the unique id of the grantee when the grant was made, where it has one. */
  readonly granteeId?: string | undefined
  readonly granteeServicePrincipal?: string | undefined
  readonly retiringPrincipal?: string | undefined
  readonly retiringId?: string | undefined
  readonly retiringServicePrincipal?: string | undefined
  readonly operations: readonly string[]
  readonly constraints?: GrantConstraints | undefined
  readonly issuingAccount: AccountId
  readonly createdAt: Instant
  /** A hash over all that the request said; only for a grant with a name, which the same request finds again. */
  readonly requestDigest?: string | undefined
}

/** Why a custom key store could not be connected. Source: AWS KMS API Reference, CustomKeyStoresListEntry. */
export type ConnectionErrorCode =
  | 'INVALID_CREDENTIALS'
  | 'CLUSTER_NOT_FOUND'
  | 'NETWORK_ERRORS'
  | 'INTERNAL_ERROR'
  | 'INSUFFICIENT_CLOUDHSM_HSMS'
  | 'USER_LOCKED_OUT'
  | 'USER_NOT_FOUND'
  | 'USER_LOGGED_IN'
  | 'SUBNET_NOT_FOUND'
  | 'INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET'
  | 'XKS_PROXY_ACCESS_DENIED'
  | 'XKS_PROXY_NOT_REACHABLE'
  | 'XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND'
  | 'XKS_PROXY_INVALID_RESPONSE'
  | 'XKS_PROXY_INVALID_CONFIGURATION'
  | 'XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION'
  | 'XKS_PROXY_TIMED_OUT'
  | 'XKS_PROXY_INVALID_TLS_CONFIGURATION'

/** How the proxy of an external key store is reached. */
export interface XksProxy {
  readonly connectivity: 'PUBLIC_ENDPOINT' | 'VPC_ENDPOINT_SERVICE'
  readonly uriEndpoint: string
  readonly uriPath: string
  readonly accessKeyId: string
  readonly vpcEndpointServiceName?: string | undefined
  readonly vpcEndpointServiceOwner?: string | undefined
}

/** A custom key store. Its password or proxy credential is the record's wrapped secret. */
export interface CustomKeyStore {
  readonly accountId: AccountId
  readonly region: Region
  /** `cks-` and 17 hex digits. */
  readonly storeId: string
  readonly name: string
  readonly type: 'AWS_CLOUDHSM' | 'EXTERNAL_KEY_STORE'
  readonly connectionState: 'CONNECTED' | 'CONNECTING' | 'FAILED' | 'DISCONNECTED' | 'DISCONNECTING'
  /** Only while FAILED: why. */
  readonly connectionErrorCode?: ConnectionErrorCode | undefined
  /** Only while CONNECTING or DISCONNECTING: since when. */
  readonly changingSince?: Instant | undefined
  readonly createdAt: Instant
  readonly cloudHsmClusterId?: string | undefined
  readonly trustAnchorCertificate?: string | undefined
  readonly xksProxy?: XksProxy | undefined
}

/** The last successful cryptographic use of a key, as far as it has been noted in the store. */
export interface KeyUsageNote {
  readonly region: Region
  readonly keyId: KeyId
  readonly operation: string
  readonly time: Instant
  readonly eventId: string
  readonly requestId: string
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
    columns: { account_id: 'text', user_id: 'text' },
    indexes: {
      by_account: ['account_id', 'access_key_id'],
      by_user: ['user_id', 'access_key_id'],
    },
  },
  keyOf: (credential) => [credential.accessKeyId],
  columnsOf: ({ accountId, principal, status }) => ({
    account_id: accountId,
    // A deleted access key is its user's no longer, and is kept only so that its id is never trusted again.
    user_id: principal.type === 'User' && status !== 'Deleted' ? principal.userId : null,
  }),
}

export const KEYS: Table<Key> = {
  schema: {
    name: 'kms_key',
    key: ['region', 'key_id'],
    columns: {
      account_id: 'text',
      deletion_date: 'integer',
      rotation_date: 'integer',
      custom_key_store_id: 'text',
    },
    indexes: {
      by_account: ['account_id', 'region', 'key_id'],
      by_custom_key_store: ['custom_key_store_id', 'region', 'key_id'],
      by_deletion_date: ['deletion_date', 'region', 'key_id'],
      by_rotation_date: ['rotation_date', 'region', 'key_id'],
    },
  },
  keyOf: (key) => [key.region, key.keyId],
  columnsOf: (key) => ({
    account_id: key.accountId,
    deletion_date: key.state.name === 'PendingDeletion' ? key.state.deletionDate : null,
    // Only what is to be rotated when its date comes: a key that has to wait must not be found again and again.
    rotation_date:
      key.state.name === 'Enabled' && isPrimary(key) !== false
        ? (key.rotation?.nextDate ?? null)
        : null,
    custom_key_store_id: key.customKeyStoreId ?? null,
  }),
}

export const BACKING_KEYS: Table<BackingKey> = {
  schema: {
    name: 'backing_key',
    key: ['region', 'key_id', 'material_id'],
    columns: { valid_to: 'integer' },
    indexes: { by_expiry: ['valid_to', 'region', 'key_id', 'material_id'] },
  },
  keyOf: (backing) => [backing.region, backing.keyId, backing.materialId],
  columnsOf: ({ imported }) => ({
    valid_to: imported?.isPresent === true ? (imported.validTo ?? null) : null,
  }),
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

export const GRANTS: Table<Grant> = {
  schema: {
    name: 'kms_grant',
    key: ['region', 'key_id', 'grant_id'],
    columns: { retiring: 'text', grantee: 'text', request_digest: 'text' },
    indexes: {
      by_retiring: ['retiring', 'region', 'key_id', 'grant_id'],
      by_grantee: ['region', 'key_id', 'grantee', 'grant_id'],
      by_request: ['region', 'key_id', 'request_digest', 'grant_id'],
    },
  },
  keyOf: (grant) => [grant.region, grant.keyId, grant.grantId],
  columnsOf: (grant) => ({
    retiring: grant.retiringId ?? grant.retiringPrincipal ?? grant.retiringServicePrincipal ?? null,
    grantee: grant.granteeId ?? grant.granteePrincipal ?? grant.granteeServicePrincipal ?? null,
    request_digest: grant.requestDigest ?? null,
  }),
}

export const CUSTOM_KEY_STORES: Table<CustomKeyStore> = {
  schema: {
    name: 'custom_key_store',
    key: ['account_id', 'region', 'store_id'],
    columns: { name: 'text', changing_since: 'integer' },
    indexes: {
      by_name: ['account_id', 'region', 'name', 'store_id'],
      by_change: ['changing_since', 'account_id', 'region', 'store_id'],
    },
  },
  keyOf: (store) => [store.accountId, store.region, store.storeId],
  columnsOf: (store) => ({ name: store.name, changing_since: store.changingSince ?? null }),
}

export const KEY_USAGE_NOTES: Table<KeyUsageNote> = {
  schema: { name: 'key_usage_note', key: ['region', 'key_id'], columns: {}, indexes: {} },
  keyOf: (note) => [note.region, note.keyId],
  columnsOf: () => ({}),
}

export const DELETION_GUARDS: Table<DeletionGuard> = {
  schema: { name: 'deletion_guard', key: ['account_id'], columns: {}, indexes: {} },
  keyOf: (guard) => [guard.accountId],
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
  GRANTS,
  CUSTOM_KEY_STORES,
  KEY_USAGE_NOTES,
  ...IDENTITY_TABLES,
  DELETION_GUARDS,
  ...TRAIL_TABLES,
  ...OUTBOUND_TABLES,
]
