import type { Migration } from '../migrations.ts'

/** Users, roles, groups, managed policies, identity providers, what accounts may not do. */
export const identity: Migration = {
  number: 3,
  name: 'identity',
  sql: `
ALTER TABLE credential ADD COLUMN user_id TEXT;
CREATE INDEX credential_by_user ON credential (user_id, access_key_id);

CREATE TABLE iam_user (
  user_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  account_id TEXT,
  name_key TEXT,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (user_id)
) STRICT;
CREATE INDEX iam_user_by_name ON iam_user (account_id, name_key, user_id);

CREATE TABLE iam_role (
  role_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  account_id TEXT,
  name_key TEXT,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (role_id)
) STRICT;
CREATE INDEX iam_role_by_name ON iam_role (account_id, name_key, role_id);

CREATE TABLE iam_group (
  group_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  account_id TEXT,
  name_key TEXT,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (group_id)
) STRICT;
CREATE INDEX iam_group_by_name ON iam_group (account_id, name_key, group_id);

CREATE TABLE iam_policy (
  account_id TEXT NOT NULL,
  name_key TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, name_key)
) STRICT;

CREATE TABLE iam_instance_profile (
  account_id TEXT NOT NULL,
  name_key TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, name_key)
) STRICT;

CREATE TABLE iam_oidc_provider (
  account_id TEXT NOT NULL,
  url TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, url)
) STRICT;

CREATE TABLE oidc_keys (
  url TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (url)
) STRICT;

CREATE TABLE iam_name (
  account_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  name_key TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, kind, name_key)
) STRICT;

CREATE TABLE iam_link (
  account_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  target TEXT NOT NULL,
  source TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, kind, target, source)
) STRICT;

CREATE TABLE service_control (
  account_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id)
) STRICT;

CREATE TABLE identity_use (
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (id)
) STRICT;

CREATE TABLE account_alias (
  alias TEXT NOT NULL,
  version INTEGER NOT NULL,
  account_id TEXT,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (alias)
) STRICT;
CREATE INDEX account_alias_by_account ON account_alias (account_id, alias);
`,
}
