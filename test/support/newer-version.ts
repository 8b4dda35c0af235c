/**
 * Loaded before the program (`--import`) by a test that needs a newer version: the same program with
 * one more step of the schema, of the kind that may be made while older nodes serve.
 */
import { MIGRATIONS, type Migration } from '../../src/storage/embedded/migrations.ts'

export const NEWER_STEP: Migration = {
  number: MIGRATIONS.length + 1,
  name: 'newer',
  sql: `
ALTER TABLE kms_key ADD COLUMN newer TEXT;
CREATE TABLE newer_thing (
  thing_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  secret BLOB,
  mac BLOB NOT NULL,
  PRIMARY KEY (thing_id)
) STRICT;
`,
}

// A program has one list of its steps, and this is before anything has read it. Read-only is its type alone.
;(MIGRATIONS as Migration[]).push(NEWER_STEP)
