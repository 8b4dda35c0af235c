import type { Migration } from '../migrations.ts'

/** How far the sinks of events have been served, and what they did not take. */
export const events: Migration = {
  number: 6,
  name: 'events',
  sql: `
CREATE TABLE event_cursor (
  node_id TEXT NOT NULL,
  sink TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (node_id, sink)
) STRICT;

CREATE TABLE held_event (
  node_id TEXT NOT NULL,
  sink TEXT NOT NULL,
  position TEXT NOT NULL,
  version INTEGER NOT NULL,
  state TEXT,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (node_id, sink, position)
) STRICT;
CREATE INDEX held_event_by_state ON held_event (state, node_id, sink, position);
`,
}
