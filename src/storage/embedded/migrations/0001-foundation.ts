import type { Migration } from '../migrations.ts'

/**
 * The first schema. Once released, a migration's text never changes: its checksum is in every store
 * that ran it. A record table has its key columns, `version`, the columns its indexes need, and
 * `body`, `secret` and `mac`; see `docs/formats/store.md`.
 */
export const foundation: Migration = {
  number: 1,
  name: 'foundation',
  sql: `
CREATE TABLE setting (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE counter (
  name TEXT NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counter (name, value) VALUES ('epoch', 0), ('outbox', 0);

CREATE TABLE change (
  epoch INTEGER NOT NULL,
  position INTEGER NOT NULL,
  table_name TEXT NOT NULL,
  row_key TEXT NOT NULL,
  PRIMARY KEY (epoch, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
  id INTEGER NOT NULL PRIMARY KEY,
  frame TEXT NOT NULL
) STRICT;

CREATE TABLE account (
  account_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id)
) STRICT;

CREATE TABLE credential (
  access_key_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  account_id TEXT,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (access_key_id)
) STRICT;
CREATE INDEX credential_by_account ON credential (account_id, access_key_id);

CREATE TABLE kms_key (
  region TEXT NOT NULL,
  key_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  account_id TEXT,
  deletion_date INTEGER,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (region, key_id)
) STRICT;
CREATE INDEX kms_key_by_account ON kms_key (account_id, region, key_id);
CREATE INDEX kms_key_by_deletion_date ON kms_key (deletion_date, region, key_id);

CREATE TABLE backing_key (
  region TEXT NOT NULL,
  key_id TEXT NOT NULL,
  material_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (region, key_id, material_id)
) STRICT;

CREATE TABLE alias (
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  target_key_id TEXT,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, region, name)
) STRICT;
CREATE INDEX alias_by_target ON alias (account_id, region, target_key_id, name);

CREATE TABLE key_policy (
  region TEXT NOT NULL,
  key_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (region, key_id)
) STRICT;

CREATE TABLE service_secret (
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (name)
) STRICT;
`,
}
