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
import type { ResultRow } from './connections.ts'
import { countSql, deleteSql, getSql, insertSql, pageSql, updateSql } from './table-sql.ts'
import { escapeText, unescapeText } from './text-escape.ts'

/** A statement and its values, ready to be sent. */
export interface Statement {
  readonly text: string
  readonly values: readonly unknown[]
}

const stored = (value: ColumnValue): ColumnValue =>
  typeof value === 'string' ? escapeText(value) : value

/** The statements of one table, written once, and its rows as they come back. */
export class RowSql {
  readonly #table: TableSchema
  readonly #columnNames: readonly string[]
  /** By what makes the text differ: the index and how many values of which kind. */
  readonly #texts = new Map<string, string>()
  readonly #indexes = new Map<string, readonly IndexColumn[]>()

  constructor(table: TableSchema) {
    this.#table = table
    this.#columnNames = Object.keys(table.columns)
  }

  get(key: readonly string[]): Statement {
    assertKey(this.#table, key)
    return { text: this.#text('get', () => getSql(this.#table)), values: key.map(escapeText) }
  }

  page(query: PageQuery): Statement {
    assertPageQuery(this.#index(query.index), query)
    const { equals, after = [], upTo, limit } = query
    const name = `${query.index}/${equals.length}/${after.length}/${upTo !== undefined}`
    const values: ColumnValue[] = [...equals, ...after]
    if (upTo !== undefined) values.push(upTo)
    return {
      text: this.#text(name, () => pageSql(this.#table, query)),
      values: [...values.map(stored), limit],
    }
  }

  count(index: string, equals: readonly (string | number)[], atMost: number): Statement {
    assertPrefix(this.#index(index), equals)
    assertEntryLimit(atMost, COUNTED_ROWS_MAX)
    return {
      text: this.#text(`count/${index}/${equals.length}`, () =>
        countSql(this.#table, index, equals.length),
      ),
      values: [...equals.map(stored), atMost],
    }
  }

  insert(row: Row): Statement {
    return {
      text: this.#text('insert', () => insertSql(this.#table)),
      values: [...row.key.map(escapeText), ...this.#values(row)],
    }
  }

  /** Touches one row if it is there with the version before. */
  update(row: Row): Statement {
    return {
      text: this.#text('update', () => updateSql(this.#table)),
      values: [...this.#values(row), ...row.key.map(escapeText), row.version - 1],
    }
  }

  /** Touches one row if it is there with this version. */
  delete(key: readonly string[], version: number): Statement {
    return {
      text: this.#text('delete', () => deleteSql(this.#table)),
      values: [...key.map(escapeText), version],
    }
  }

  /** Checks each value's type: the table may have been changed behind our back. */
  decode(values: ResultRow): Row {
    let at = 0
    const key: string[] = []
    while (at < this.#table.key.length) key.push(unescapeText(this.#expect(values[at++], isText)))
    const version = this.#expect(values[at++], isNumber)
    const columns: Record<string, ColumnValue> = {}
    for (const name of this.#columnNames) {
      const value = this.#expect(values[at++], isColumnValue)
      columns[name] = typeof value === 'string' ? unescapeText(value) : value
    }
    const body = unescapeText(this.#expect(values[at++], isText))
    const secret = this.#expect(values[at++], isBytesOrNull)
    const mac = this.#expect(values[at++], isBytes)
    return { key, version, columns, body, secret, mac }
  }

  decodeCount(rows: readonly ResultRow[]): number {
    return this.#expect(rows[0]?.[0], isNumber)
  }

  #values(row: Row): unknown[] {
    const values: unknown[] = [row.version]
    for (const name of this.#columnNames) values.push(stored(row.columns[name] ?? null))
    values.push(escapeText(row.body), row.secret, row.mac)
    return values
  }

  #text(name: string, sql: () => string): string {
    let text = this.#texts.get(name)
    if (text === undefined) {
      text = sql()
      this.#texts.set(name, text)
    }
    return text
  }

  #index(name: string): readonly IndexColumn[] {
    let columns = this.#indexes.get(name)
    if (columns === undefined) {
      columns = indexColumns(this.#table, name)
      this.#indexes.set(name, columns)
    }
    return columns
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

/** The tables of a store. */
export class TablesSql {
  readonly #tables = new Map<string, RowSql>()

  constructor(tables: readonly TableSchema[]) {
    for (const table of tables) this.#tables.set(table.name, new RowSql(table))
  }

  of(table: TableSchema): RowSql {
    const found = this.#tables.get(table.name)
    assert(found, `the store has no table ${table.name}`)
    return found
  }
}
