import type { Migration } from '../migrations.ts'

/** Rotation and import of key material, grants, custom key stores, the last use of keys. */
export const keyLife: Migration = {
  number: 2,
  name: 'key-life',
  sql: `
ALTER TABLE kms_key ADD COLUMN rotation_date INTEGER;
CREATE INDEX kms_key_by_rotation_date ON kms_key (rotation_date, region, key_id);
ALTER TABLE kms_key ADD COLUMN custom_key_store_id TEXT;
CREATE INDEX kms_key_by_custom_key_store ON kms_key (custom_key_store_id, region, key_id);

ALTER TABLE backing_key ADD COLUMN valid_to INTEGER;
CREATE INDEX backing_key_by_expiry ON backing_key (valid_to, region, key_id, material_id);

CREATE TABLE kms_grant (
  region TEXT NOT NULL,
  key_id TEXT NOT NULL,
  grant_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  retiring TEXT,
  grantee TEXT,
  request_digest TEXT,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (region, key_id, grant_id)
) STRICT;
CREATE INDEX kms_grant_by_retiring ON kms_grant (retiring, region, key_id, grant_id);
CREATE INDEX kms_grant_by_grantee ON kms_grant (region, key_id, grantee, grant_id);
CREATE INDEX kms_grant_by_request ON kms_grant (region, key_id, request_digest, grant_id);

CREATE TABLE custom_key_store (
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  store_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  name TEXT,
  changing_since INTEGER,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id, region, store_id)
) STRICT;
CREATE INDEX custom_key_store_by_name ON custom_key_store (account_id, region, name, store_id);
CREATE INDEX custom_key_store_by_change ON custom_key_store (changing_since, account_id, region, store_id);

CREATE TABLE key_usage_note (
  region TEXT NOT NULL,
  key_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (region, key_id)
) STRICT;
`,
}
