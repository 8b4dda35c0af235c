import type {
  AccountAlias,
  Group,
  IdentityLink,
  IdentityName,
  IdentityUse,
  InstanceProfile,
  ManagedPolicy,
  OidcKeys,
  OidcProvider,
  Role,
  ServiceControl,
  User,
} from './identity.ts'
import type { Table } from './tables.ts'

/** How names are compared: IAM's are unique without regard to case. */
export const nameKey = (name: string): string => name.toLowerCase()

export const USERS: Table<User> = {
  schema: {
    name: 'iam_user',
    key: ['user_id'],
    columns: { account_id: 'text', name_key: 'text' },
    indexes: { by_name: ['account_id', 'name_key', 'user_id'] },
  },
  keyOf: (user) => [user.userId],
  columnsOf: (user) => ({ account_id: user.accountId, name_key: nameKey(user.name) }),
}

export const ROLES: Table<Role> = {
  schema: {
    name: 'iam_role',
    key: ['role_id'],
    columns: { account_id: 'text', name_key: 'text' },
    indexes: { by_name: ['account_id', 'name_key', 'role_id'] },
  },
  keyOf: (role) => [role.roleId],
  columnsOf: (role) => ({ account_id: role.accountId, name_key: nameKey(role.name) }),
}

export const GROUPS: Table<Group> = {
  schema: {
    name: 'iam_group',
    key: ['group_id'],
    columns: { account_id: 'text', name_key: 'text' },
    indexes: { by_name: ['account_id', 'name_key', 'group_id'] },
  },
  keyOf: (group) => [group.groupId],
  columnsOf: (group) => ({ account_id: group.accountId, name_key: nameKey(group.name) }),
}

/** Managed policies keep their name and path for life, so that both can be read off an ARN. */
export const MANAGED_POLICIES: Table<ManagedPolicy> = {
  schema: {
    name: 'iam_policy',
    key: ['account_id', 'name_key'],
    columns: {},
    indexes: {},
  },
  keyOf: (policy) => [policy.accountId, nameKey(policy.name)],
  columnsOf: () => ({}),
}

export const INSTANCE_PROFILES: Table<InstanceProfile> = {
  schema: {
    name: 'iam_instance_profile',
    key: ['account_id', 'name_key'],
    columns: {},
    indexes: {},
  },
  keyOf: (profile) => [profile.accountId, nameKey(profile.name)],
  columnsOf: () => ({}),
}

export const OIDC_PROVIDERS: Table<OidcProvider> = {
  schema: { name: 'iam_oidc_provider', key: ['account_id', 'url'], columns: {}, indexes: {} },
  keyOf: (provider) => [provider.accountId, provider.url],
  columnsOf: () => ({}),
}

export const OIDC_KEYS: Table<OidcKeys> = {
  schema: { name: 'oidc_keys', key: ['url'], columns: {}, indexes: {} },
  keyOf: (keys) => [keys.url],
  columnsOf: () => ({}),
}

/** Makes names unique: of two users who are given one name at once, one is refused. */
export const IDENTITY_NAMES: Table<IdentityName> = {
  schema: {
    name: 'iam_name',
    key: ['account_id', 'kind', 'name_key'],
    columns: {},
    indexes: {},
  },
  keyOf: (name) => [name.accountId, name.kind, nameKey(name.name)],
  columnsOf: () => ({}),
}

export const IDENTITY_LINKS: Table<IdentityLink> = {
  schema: {
    name: 'iam_link',
    key: ['account_id', 'kind', 'target', 'source'],
    columns: {},
    indexes: {},
  },
  keyOf: (link) => [link.accountId, link.kind, link.target, link.source],
  columnsOf: () => ({}),
}

export const SERVICE_CONTROLS: Table<ServiceControl> = {
  schema: { name: 'service_control', key: ['account_id'], columns: {}, indexes: {} },
  keyOf: (control) => [control.accountId],
  columnsOf: () => ({}),
}

export const IDENTITY_USES: Table<IdentityUse> = {
  schema: { name: 'identity_use', key: ['id'], columns: {}, indexes: {} },
  keyOf: (use) => [use.id],
  columnsOf: () => ({}),
}

export const ACCOUNT_ALIASES: Table<AccountAlias> = {
  schema: {
    name: 'account_alias',
    key: ['alias'],
    columns: { account_id: 'text' },
    indexes: { by_account: ['account_id', 'alias'] },
  },
  keyOf: (alias) => [alias.alias],
  columnsOf: (alias) => ({ account_id: alias.accountId }),
}

/** Every table of identities, in the order in which migrations made them. */
export const IDENTITY_TABLES: readonly Table<never>[] = [
  USERS,
  ROLES,
  GROUPS,
  MANAGED_POLICIES,
  INSTANCE_PROFILES,
  OIDC_PROVIDERS,
  OIDC_KEYS,
  IDENTITY_NAMES,
  IDENTITY_LINKS,
  SERVICE_CONTROLS,
  IDENTITY_USES,
  ACCOUNT_ALIASES,
]
