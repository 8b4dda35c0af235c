import { assert } from '../../core/assert.ts'
import type { PageQuery, TableSchema } from '../../core/store.ts'
import { indexColumns } from '../row-shape.ts'

// Names come from the schemas in the source, never from a request; a slip there must still not
// become SQL.
const IDENTIFIER = /^[a-z_][a-z0-9_]{0,62}$/

export function quote(name: string): string {
  assert(IDENTIFIER.test(name), 'a name in a table schema is not an SQL identifier')
  return `"${name}"`
}

/** `"a" = $3 AND "b" = $4`, for `from` 3. */
const equal = (names: readonly string[], from: number): string =>
  names.map((name, at) => `${quote(name)} = $${from + at}`).join(' AND ')

/** The columns of a row in the order in which it is decoded. */
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
  `SELECT ${selected(table)} FROM ${quote(table.name)} WHERE ${equal(table.key, 1)}`

/** Parameters: the columns of `storedColumns`. A taken key leaves no row and no error: an error would end the transaction. */
export function insertSql(table: TableSchema): string {
  const values = storedColumns(table).map((_, at) => `$${at + 1}`)
  return `INSERT INTO ${quote(table.name)} (${selected(table)}) VALUES (${values.join(', ')}) ON CONFLICT DO NOTHING`
}

/** Parameters: version, further columns, body, secret, mac; then the key and the version before. */
export function updateSql(table: TableSchema): string {
  const columns = storedColumns(table).slice(table.key.length)
  const set = columns.map((name, at) => `${quote(name)} = $${at + 1}`)
  const after = columns.length + 1
  return `UPDATE ${quote(table.name)} SET ${set.join(', ')} WHERE ${equal([...table.key, 'version'], after)}`
}

/** Parameters: the key and the version. */
export const deleteSql = (table: TableSchema): string =>
  `DELETE FROM ${quote(table.name)} WHERE ${equal([...table.key, 'version'], 1)}`

/**
 * A page by range over one index. Nulls come first, as the index has them; PostgreSQL uses an index
 * for an order only where both say the same. Parameters: `equals`, `after`, `upTo`, `limit`.
 */
export function pageSql(table: TableSchema, query: PageQuery): string {
  const names = indexColumns(table, query.index).map((column) => column.name)
  const start = query.equals.length
  let parameter = start
  const conditions = start === 0 ? [] : [equal(names.slice(0, start), 1)]
  if (query.after !== undefined && query.after.length > 0) {
    const behind = names.slice(start, start + query.after.length).map(quote)
    const values = behind.map(() => `$${++parameter}`)
    conditions.push(`(${behind.join(', ')}) > (${values.join(', ')})`)
  }
  if (query.upTo !== undefined) {
    const bounded = names[start]
    assert(bounded !== undefined, 'an upper bound needs a column')
    conditions.push(`${quote(bounded)} <= $${++parameter}`)
  }
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
  const nulls = query.index === 'key' ? '' : ' NULLS FIRST'
  const order = names.map((name) => `${quote(name)}${nulls}`).join(', ')
  return `SELECT ${selected(table)} FROM ${quote(table.name)}${where} ORDER BY ${order} LIMIT $${++parameter}`
}

/** Parameters: `equals` and the most to count. */
export function countSql(table: TableSchema, index: string, equals: number): string {
  const names = indexColumns(table, index).map((column) => column.name)
  const where = equals === 0 ? '' : ` WHERE ${equal(names.slice(0, equals), 1)}`
  return `SELECT count(*) FROM (SELECT 1 FROM ${quote(table.name)}${where} LIMIT $${equals + 1}) AS counted`
}
