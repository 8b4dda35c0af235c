import type { Migration } from '../migrations.ts'

/** How far the audit log was delivered as log files and digests. */
export const trail: Migration = {
  number: 5,
  name: 'trail',
  sql: `
CREATE TABLE trail_mark (
  node_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (node_id)
) STRICT;

CREATE TABLE trail_head (
  node_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (node_id, account_id, region)
) STRICT;

CREATE TABLE trail_log_file (
  node_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  object_key TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (node_id, account_id, region, object_key)
) STRICT;
`,
}
