import type { Migration } from '../migrations.ts'

/**
 * Several processes write one file: whose an entry of the outbox is. Null: the node's whose data folder it is.
 */
export const workers: Migration = {
  number: 8,
  name: 'workers',
  sql: `
ALTER TABLE outbox ADD COLUMN node_id TEXT;
`,
}
