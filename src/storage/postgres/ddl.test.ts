import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AssertionFailure } from '../../core/assert.ts'
import { toPostgres } from './ddl.ts'

describe('the SQL of a migration, for PostgreSQL', () => {
  test('has other types, an order by bytes, and nulls first', () => {
    assert.equal(
      toPostgres(`
CREATE TABLE a (
  k TEXT NOT NULL,
  n INTEGER,
  secret BLOB,
  PRIMARY KEY (k)
) STRICT, WITHOUT ROWID;
CREATE INDEX a_by_n ON a (n, k);
ALTER TABLE a ADD COLUMN t TEXT;
INSERT INTO counter (name, value) VALUES ('epoch', 0), ('outbox', 0);
`),
      `CREATE TABLE a (
  k TEXT COLLATE "C" NOT NULL,
  n BIGINT,
  secret BYTEA,
  PRIMARY KEY (k)
);
CREATE INDEX a_by_n ON a (n NULLS FIRST, k NULLS FIRST);
ALTER TABLE a ADD COLUMN t TEXT COLLATE "C";
INSERT INTO counter (name, value) VALUES ('epoch', 0), ('outbox', 0);
`,
    )
  })

  const others = [
    'UPDATE a SET b = 1',
    'DROP TABLE a',
    'CREATE TABLE a (\n  k REAL\n) STRICT',
    'CREATE TABLE a (\n  k TEXT DEFAULT 1\n) STRICT',
    'CREATE TABLE a (\n  k TEXT\n)',
    'CREATE UNIQUE INDEX a_b ON a (b)',
    'ALTER TABLE a ADD COLUMN b REAL',
  ]
  for (const statement of others) {
    test(`is not guessed at for ${JSON.stringify(statement)}`, () => {
      assert.throws(() => toPostgres(`${statement};\n`), AssertionFailure)
    })
  }
})
