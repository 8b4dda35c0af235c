import type { Migration } from '../migrations.ts'

/** How far the trail has been copied elsewhere. */
export const shipping: Migration = {
  number: 7,
  name: 'shipping',
  sql: `
CREATE TABLE ship_mark (
  node_id TEXT NOT NULL,
  destination TEXT NOT NULL,
  account_id TEXT NOT NULL,
  region TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (node_id, destination, account_id, region)
) STRICT;
`,
}
