import type { Migration } from '../migrations.ts'

/** How long a key must not have been used before its deletion is scheduled, by account. */
export const deletionGuard: Migration = {
  number: 4,
  name: 'deletion-guard',
  sql: `
CREATE TABLE deletion_guard (
  account_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (account_id)
) STRICT;
`,
}
