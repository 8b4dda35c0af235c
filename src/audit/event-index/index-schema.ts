/**
 * The tables of the index. **Source:** docs/formats/audit-index.md.
 *
 * What an index of ten million events must not do is touch a page of its own for every value of every event: so
 * everything that is found by value lies in *chunks*, groups of events that were written one after the other, and
 * values that mostly come together (who, what, from where, with which outcome) are one *combination*, of which an
 * event has only the number.
 */

/** Another number here, and every index of an older form is thrown away and made again. */
export const INDEX_VERSION = 1

/** Numbers that only say how fast answers come; tests choose small ones. */
export interface IndexSizes {
  /** Events of a chunk: so few that the pages of the newest one stay in memory. */
  readonly chunkEvents: number
  /** Events that are looked at one by one before the lists are asked: most pages are full by then. */
  readonly scanRows: number
  /** More lists than these cost more to intersect with than looking at each event. */
  readonly intersectedLists: number
  /** Combinations up to which each is asked for, rather than all events of a part of a day looked at. */
  readonly askedCombos: number
}

export const INDEX_SIZES: IndexSizes = {
  chunkEvents: 131_072,
  scanRows: 4000,
  intersectedLists: 64,
  askedCombos: 256,
}

export const INDEX_SCHEMA = `
CREATE TABLE mark (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  node_id TEXT NOT NULL,
  log_mark TEXT NOT NULL,
  sequence INTEGER NOT NULL
) STRICT;

CREATE TABLE string (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE combo (
  id INTEGER PRIMARY KEY,
  principal INTEGER NOT NULL,
  event_name INTEGER NOT NULL,
  source_ip INTEGER NOT NULL,
  account INTEGER NOT NULL,
  region INTEGER NOT NULL,
  event_source INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  error_code INTEGER NOT NULL,
  read_only INTEGER NOT NULL,
  resources INTEGER NOT NULL,
  UNIQUE (principal, event_name, source_ip, account, region, event_source, outcome, error_code,
    read_only, resources)
) STRICT;
CREATE INDEX combo_by_event_name ON combo (event_name);
CREATE INDEX combo_by_source_ip ON combo (source_ip);

CREATE TABLE combo_resource (
  name INTEGER NOT NULL,
  combo INTEGER NOT NULL,
  type INTEGER NOT NULL,
  PRIMARY KEY (name, combo, type)
) STRICT, WITHOUT ROWID;
CREATE INDEX combo_resource_by_combo ON combo_resource (combo, type);

CREATE TABLE session (
  id INTEGER PRIMARY KEY,
  arn INTEGER NOT NULL,
  access_key INTEGER NOT NULL,
  username INTEGER NOT NULL,
  UNIQUE (arn, access_key, username)
) STRICT;
CREATE INDEX session_by_access_key ON session (access_key);
CREATE INDEX session_by_username ON session (username);

CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  combo INTEGER NOT NULL,
  session INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  record INTEGER NOT NULL,
  segment INTEGER NOT NULL,
  offset INTEGER NOT NULL
) STRICT;

CREATE TABLE chunk (
  number INTEGER PRIMARY KEY,
  events INTEGER NOT NULL,
  first_id INTEGER NOT NULL,
  last_id INTEGER NOT NULL,
  first_sequence INTEGER NOT NULL,
  last_sequence INTEGER NOT NULL
) STRICT;

CREATE TABLE posting (
  chunk INTEGER NOT NULL,
  list INTEGER NOT NULL,
  event INTEGER NOT NULL,
  PRIMARY KEY (chunk, list, event)
) STRICT, WITHOUT ROWID;

CREATE TABLE day_count (
  day INTEGER NOT NULL,
  combo INTEGER NOT NULL,
  count INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (day, combo)
) STRICT, WITHOUT ROWID;
`
