import { assert } from '../../core/assert.ts'
import type { PageQuery, TableSchema } from '../../core/store.ts'
import { indexColumns } from '../row-shape.ts'

// Names come from the schemas in the source, never from a request; a slip there must still not
// become SQL.
const IDENTIFIER = /^[a-z][a-z0-9_]{0,62}$/

function quote(name: string): string {
  assert(IDENTIFIER.test(name), 'a name in a table schema is not an SQL identifier')
  return `"${name}"`
}

const equal = (names: readonly string[]): string =>
  names.map((name) => `${quote(name)} = ?`).join(' AND ')

/** The columns of a row in the order in which `decodeRow` expects them. */
export const storedColumns = (table: TableSchema): string[] => [
  ...table.key,
  'version',
  ...Object.keys(table.columns),
  'body',
  'secret',
  'mac',
]

const selected = (table: TableSchema): string => storedColumns(table).map(quote).join(', ')

/** Parameters: the key. */
export const getSql = (table: TableSchema): string =>
  `SELECT ${selected(table)} FROM ${quote(table.name)} WHERE ${equal(table.key)}`

/** Parameters: the columns of `storedColumns`. */
export function insertSql(table: TableSchema): string {
  const columns = storedColumns(table)
  return `INSERT INTO ${quote(table.name)} (${selected(table)}) VALUES (${columns.map(() => '?').join(', ')})`
}

/** Parameters: version, further columns, body, secret, mac; then the key and the version before. */
export function updateSql(table: TableSchema): string {
  const set = storedColumns(table).slice(table.key.length)
  return `UPDATE ${quote(table.name)} SET ${set.map((name) => `${quote(name)} = ?`).join(', ')} WHERE ${equal(table.key)} AND version = ?`
}

/** Parameters: the key and the version. */
export const deleteSql = (table: TableSchema): string =>
  `DELETE FROM ${quote(table.name)} WHERE ${equal(table.key)} AND version = ?`

/** The key's own index is SQLite's; for any other, a plan that does not use it is an error. */
const from = (table: TableSchema, index: string): string =>
  index === 'key'
    ? quote(table.name)
    : `${quote(table.name)} INDEXED BY ${quote(`${table.name}_${index}`)}`

/**
 * A page by range over one index, so that its cost does not depend on where it starts.
 * Parameters: `equals`, `after`, `upTo`, `limit`.
 */
export function pageSql(table: TableSchema, query: PageQuery): string {
  const names = indexColumns(table, query.index).map((column) => column.name)
  const start = query.equals.length
  const conditions = names.slice(0, start).map((name) => `${quote(name)} = ?`)
  if (query.after !== undefined && query.after.length > 0) {
    const behind = names.slice(start, start + query.after.length).map(quote)
    conditions.push(`(${behind.join(', ')}) > (${behind.map(() => '?').join(', ')})`)
  }
  if (query.upTo !== undefined) {
    const bounded = names[start]
    assert(bounded !== undefined, 'an upper bound needs a column')
    conditions.push(`${quote(bounded)} <= ?`)
  }
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
  return `SELECT ${selected(table)} FROM ${from(table, query.index)}${where} ORDER BY ${names.map(quote).join(', ')} LIMIT ?`
}

/** Parameters: `equals` and the most to count. */
export function countSql(table: TableSchema, index: string, equals: number): string {
  const names = indexColumns(table, index).map((column) => column.name)
  const where = equals === 0 ? '' : ` WHERE ${equal(names.slice(0, equals))}`
  return `SELECT count(*) FROM (SELECT 1 FROM ${from(table, index)}${where} LIMIT ?)`
}
