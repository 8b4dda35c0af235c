import type { Migration } from '../migrations.ts'

/** What nodes that share a store ask each other. */
export const messages: Migration = {
  number: 9,
  name: 'messages',
  sql: `
CREATE TABLE node_message (
  recipient TEXT NOT NULL,
  id TEXT NOT NULL,
  sender TEXT NOT NULL,
  sent_at INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (recipient, id)
) STRICT;
`,
}
