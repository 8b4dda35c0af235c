import { assert } from '../../core/assert.ts'

const TYPES: ReadonlyMap<string, string> = new Map([
  // By bytes, as every adapter orders text, whatever the collation of the database.
  ['TEXT', 'TEXT COLLATE "C"'],
  ['INTEGER', 'BIGINT'],
  ['BLOB', 'BYTEA'],
])

/**
 * In PostgreSQL several nodes share a store: what is one node's own there stands in tables of another shape, which they
 * have from the first step on; what later steps do to them is left out.
 */
const REPLACED: ReadonlyMap<string, string> = new Map([
  [
    'outbox',
    `CREATE TABLE outbox (
  node_id TEXT COLLATE "C" NOT NULL,
  id BIGINT NOT NULL,
  frame TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (node_id, id)
);
CREATE TABLE writer (
  node_id TEXT COLLATE "C" NOT NULL,
  incarnation BIGINT NOT NULL,
  batch BIGINT NOT NULL,
  outbox_id BIGINT NOT NULL,
  PRIMARY KEY (node_id)
);
CREATE TABLE node (
  node_id TEXT COLLATE "C" NOT NULL,
  incarnation BIGINT NOT NULL,
  live BOOLEAN NOT NULL,
  renewal BIGINT NOT NULL,
  applied_epoch BIGINT NOT NULL,
  PRIMARY KEY (node_id)
)`,
  ],
])

const CREATE_TABLE = /^CREATE TABLE (\w+) \(\n([\s\S]*)\n\) STRICT(?:, WITHOUT ROWID)?$/
const CREATE_INDEX = /^CREATE INDEX (\w+) ON (\w+) \(([\w, ]+)\)$/
const ADD_COLUMN = /^ALTER TABLE (\w+) ADD COLUMN (\w+) (\w+)$/
const COLUMN = /^ {2}(\w+) (TEXT|INTEGER|BLOB)((?: NOT NULL)?(?: PRIMARY KEY)?,?)$/
const INSERT = /^INSERT INTO (?:counter|setting) \([\w, ]+\) VALUES [^$;]+$/

const typeOf = (name: string): string => {
  const type = TYPES.get(name)
  assert(type, `a migration has a column of type ${name}`)
  return type
}

function columnLine(line: string): string {
  const [whole, name, type = '', rest] = COLUMN.exec(line) ?? []
  if (whole !== undefined) return `  ${name} ${typeOf(type)}${rest}`
  assert(/^ {2}PRIMARY KEY \([\w, ]+\)$/.test(line), `a migration has the line ${line}`)
  return line
}

/** One statement of a migration in PostgreSQL's words; undefined where there is nothing to be done. */
function translate(statement: string): string | undefined {
  const [table, name = '', columns = ''] = CREATE_TABLE.exec(statement) ?? []
  if (table !== undefined) {
    const replacement = REPLACED.get(name)
    if (replacement !== undefined) return replacement
    return `CREATE TABLE ${name} (\n${columns.split('\n').map(columnLine).join('\n')}\n)`
  }
  const [index, indexName, indexed, names = ''] = CREATE_INDEX.exec(statement) ?? []
  if (index !== undefined) {
    const ordered = names.split(', ').map((column) => `${column} NULLS FIRST`)
    return `CREATE INDEX ${indexName} ON ${indexed} (${ordered.join(', ')})`
  }
  const [added, changed, column, type = ''] = ADD_COLUMN.exec(statement) ?? []
  if (added !== undefined && REPLACED.has(changed ?? '')) return undefined
  if (added !== undefined) return `ALTER TABLE ${changed} ADD COLUMN ${column} ${typeOf(type)}`
  assert(INSERT.test(statement), `a migration has a statement of another kind: ${statement}`)
  return statement
}

/**
 * The SQL of a migration of the embedded store, for PostgreSQL. The migrations are written once, in
 * the few forms that this function knows; any other form is refused rather than guessed at.
 * @throws {AssertionFailure} for a statement of another form
 */
export function toPostgres(sql: string): string {
  const statements = sql
    .split(';\n')
    .map((statement) => statement.trim().replace(/;$/, ''))
    .filter((statement) => statement !== '')
  const translated = statements.map(translate).filter((statement) => statement !== undefined)
  return translated.map((statement) => `${statement};\n`).join('')
}
