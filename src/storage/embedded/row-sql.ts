import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { assert } from '../../core/assert.ts'
import { IntegrityError } from '../../core/errors.ts'
import type { ColumnValue, PageQuery, Row, TableSchema } from '../../core/store.ts'
import {
  assertEntryLimit,
  assertKey,
  assertPageQuery,
  assertPrefix,
  COUNTED_ROWS_MAX,
  type IndexColumn,
  indexColumns,
} from '../row-shape.ts'
import { countSql, deleteSql, getSql, insertSql, pageSql, updateSql } from './table-sql.ts'

/**
 * The rows of one table as seen by one connection, with its statements prepared once. Synchronous;
 * errors are SQLite's own.
 */
export class RowSql {
  readonly #db: DatabaseSync
  readonly #table: TableSchema
  readonly #columnNames: readonly string[]
  /** By what makes the text differ: the index and how many values of which kind. */
  readonly #statements = new Map<string, StatementSync>()
  readonly #indexes = new Map<string, readonly IndexColumn[]>()
  readonly #get: StatementSync

  constructor(db: DatabaseSync, table: TableSchema) {
    this.#db = db
    this.#table = table
    this.#columnNames = Object.keys(table.columns)
    this.#get = db.prepare(getSql(table), { returnArrays: true })
  }

  get(key: readonly string[]): Row | undefined {
    assertKey(this.#table, key)
    const found: unknown = this.#get.get(...key)
    return found === undefined ? undefined : this.#decode(found)
  }

  page(query: PageQuery): Row[] {
    assertPageQuery(this.#index(query.index), query)
    const { equals, after = [], upTo, limit } = query
    const name = `${query.index}/${equals.length}/${after.length}/${upTo !== undefined}`
    const statement = this.#prepared(name, () => pageSql(this.#table, query))
    const values: SQLInputValue[] = [...equals, ...after]
    if (upTo !== undefined) values.push(upTo)
    const found: readonly unknown[] = statement.all(...values, limit)
    return found.map((row) => this.#decode(row))
  }

  count(index: string, equals: readonly (string | number)[], atMost: number): number {
    assertPrefix(this.#index(index), equals)
    assertEntryLimit(atMost, COUNTED_ROWS_MAX)
    const statement = this.#prepared(`count/${index}/${equals.length}`, () =>
      countSql(this.#table, index, equals.length),
    )
    const found: unknown = statement.get(...equals, atMost)
    const count = Array.isArray(found) ? found[0] : undefined
    assert(typeof count === 'number', 'a count is a number')
    return count
  }

  insert(row: Row): void {
    const statement = this.#prepared('insert', () => insertSql(this.#table))
    statement.run(...row.key, ...this.#values(row))
  }

  /** Whether the row was there with the version before. */
  update(row: Row): boolean {
    const statement = this.#prepared('update', () => updateSql(this.#table))
    return statement.run(...this.#values(row), ...row.key, row.version - 1).changes === 1
  }

  /** Whether the row was there with this version. */
  delete(key: readonly string[], version: number): boolean {
    const statement = this.#prepared('delete', () => deleteSql(this.#table))
    return statement.run(...key, version).changes === 1
  }

  #values(row: Row): SQLInputValue[] {
    const values: SQLInputValue[] = [row.version]
    for (const name of this.#columnNames) values.push(row.columns[name] ?? null)
    values.push(row.body, row.secret, row.mac)
    return values
  }

  #prepared(name: string, sql: () => string): StatementSync {
    let statement = this.#statements.get(name)
    if (statement === undefined) {
      statement = this.#db.prepare(sql(), { returnArrays: true })
      this.#statements.set(name, statement)
    }
    return statement
  }

  #index(name: string): readonly IndexColumn[] {
    let columns = this.#indexes.get(name)
    if (columns === undefined) {
      columns = indexColumns(this.#table, name)
      this.#indexes.set(name, columns)
    }
    return columns
  }

  /** Checks each value's type: the file may have been given another schema behind our back. */
  #decode(found: unknown): Row {
    const values: readonly unknown[] = Array.isArray(found) ? found : []
    let at = 0
    const key: string[] = []
    while (at < this.#table.key.length) key.push(this.#expect(values[at++], isText))
    const version = this.#expect(values[at++], isNumber)
    const columns: Record<string, ColumnValue> = {}
    for (const name of this.#columnNames) columns[name] = this.#expect(values[at++], isColumnValue)
    const body = this.#expect(values[at++], isText)
    const secret = this.#expect(values[at++], isBytesOrNull)
    const mac = this.#expect(values[at++], isBytes)
    return { key, version, columns, body, secret, mac }
  }

  #expect<T>(value: unknown, is: (value: unknown) => value is T): T {
    if (is(value)) return value
    throw new IntegrityError(`a row of ${this.#table.name} holds values of other types`)
  }
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isNumber = (value: unknown): value is number => typeof value === 'number'
const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array
const isBytesOrNull = (value: unknown): value is Uint8Array | null =>
  value === null || isBytes(value)
const isColumnValue = (value: unknown): value is ColumnValue =>
  value === null || isText(value) || isNumber(value)

/** The tables of a store as seen by one connection. */
export class TablesSql {
  readonly #tables = new Map<string, RowSql>()

  constructor(db: DatabaseSync, tables: readonly TableSchema[]) {
    for (const table of tables) this.#tables.set(table.name, new RowSql(db, table))
  }

  of(table: TableSchema): RowSql {
    const found = this.#tables.get(table.name)
    assert(found, `the store has no table ${table.name}`)
    return found
  }
}
