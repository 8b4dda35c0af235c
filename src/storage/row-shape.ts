import { assert } from '../core/assert.ts'
import type { ColumnValue, PageQuery, Row, TableSchema } from '../core/store.ts'

/** The largest page of `RowReader.page`. Source: `PageQuery.limit`. */
export const PAGE_ROWS_MAX = 10_000
/** The largest page of the change feed and the outbox. */
export const FEED_ENTRIES_MAX = 100_000
/** What `count` counts up to: beyond every quota. */
export const COUNTED_ROWS_MAX = 200_000

/** A column of an index: a part of the key, or one of the further columns. */
export type IndexColumn =
  | { readonly name: string; readonly keyPart: number; readonly type: 'text' }
  | { readonly name: string; readonly keyPart: undefined; readonly type: 'text' | 'integer' }

/**
 * The columns of an index in order; `key` names the key itself.
 * @throws {AssertionFailure} when the table has no such index.
 */
export function indexColumns(table: TableSchema, index: string): readonly IndexColumn[] {
  const names =
    index === 'key'
      ? table.key
      : Object.hasOwn(table.indexes, index)
        ? table.indexes[index]
        : undefined
  assert(names, `table ${table.name} has no index ${index}`)
  return names.map((name): IndexColumn => {
    const keyPart = table.key.indexOf(name)
    if (keyPart >= 0) return { name, keyPart, type: 'text' }
    const type = Object.hasOwn(table.columns, name) ? table.columns[name] : undefined
    assert(type, `table ${table.name} has no column ${name}`)
    return { name, keyPart: undefined, type }
  })
}

function hasType(value: ColumnValue | undefined, type: 'text' | 'integer'): boolean {
  // An ill-formed string would come back from a database as another one.
  if (type === 'text') return typeof value === 'string' && value.isWellFormed()
  return Number.isSafeInteger(value)
}

/** @throws {AssertionFailure} unless `key` has one well-formed text for each key column. */
export function assertKey(table: TableSchema, key: readonly string[]): void {
  assert(key.length === table.key.length, `a key of ${table.name} has another number of parts`)
  for (const part of key) assert(hasType(part, 'text'), `a key of ${table.name} is not text`)
}

/** @throws {AssertionFailure} unless the row fits the table: key, version, columns and types. */
export function assertRow(table: TableSchema, row: Row): void {
  assertKey(table, row.key)
  assert(Number.isSafeInteger(row.version) && row.version >= 1, 'a row version starts at 1')
  assert(row.body.isWellFormed(), `a body of ${table.name} is not well-formed text`)
  let columns = 0
  for (const name in table.columns) {
    columns++
    const value = row.columns[name]
    const type = table.columns[name]
    assert(
      type && (value === null || hasType(value, type)),
      `column ${name} of ${table.name} does not hold its type`,
    )
  }
  assert(columns === Object.keys(row.columns).length, `a row of ${table.name} has other columns`)
}

/** @throws {AssertionFailure} unless the values fit the first columns of the index. */
export function assertPrefix(
  columns: readonly IndexColumn[],
  values: readonly (string | number)[],
): void {
  assert(values.length <= columns.length, 'more values than the index has columns')
  for (let i = 0; i < values.length; i++) {
    const column = columns[i]
    assert(
      column && hasType(values[i], column.type),
      `a value of index column ${i} has another type`,
    )
  }
}

/** @throws {AssertionFailure} unless the query fits its index and the limit is in range. */
export function assertPageQuery(columns: readonly IndexColumn[], query: PageQuery): void {
  assert(
    Number.isSafeInteger(query.limit) && query.limit >= 1 && query.limit <= PAGE_ROWS_MAX,
    `a page has 1 to ${PAGE_ROWS_MAX} rows`,
  )
  assertPrefix(columns, query.after ? [...query.equals, ...query.after] : query.equals)
  if (query.upTo === undefined) return
  const bounded = columns[query.equals.length]
  assert(bounded && hasType(query.upTo, bounded.type), 'the upper bound has another type')
}

/** @throws {AssertionFailure} unless the number is a whole one from 1 to `max`. */
export function assertEntryLimit(limit: number, max = FEED_ENTRIES_MAX): void {
  assert(Number.isSafeInteger(limit) && limit >= 1 && limit <= max, `a limit is 1 to ${max}`)
}

export function assertOutboxId(id: number): void {
  assert(Number.isSafeInteger(id) && id >= 0, 'an outbox id is a whole number from 0')
}
