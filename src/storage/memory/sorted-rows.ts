import type { ColumnValue, PageQuery, Row, TableSchema } from '../../core/store.ts'
import { type IndexColumn, indexColumns } from '../row-shape.ts'
import { compareText } from '../text-order.ts'

/** Nulls first, as SQLite orders them; values of one column have one type. */
function compareValues(a: ColumnValue, b: ColumnValue): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return compareText(String(a), String(b))
}

const valueOf = (row: Row, column: IndexColumn): ColumnValue =>
  (column.keyPart === undefined ? row.columns[column.name] : row.key[column.keyPart]) ?? null

/** The rows of one table in the order of one index. Reading a page costs its rows and two searches. */
export class SortedRows {
  readonly #rows: Row[] = []
  readonly columns: readonly IndexColumn[]
  readonly #order: readonly IndexColumn[]

  constructor(table: TableSchema, index: string) {
    this.columns = indexColumns(table, index)
    // The key makes the order total whether or not the index ends with it.
    this.#order = [...this.columns, ...indexColumns(table, 'key')]
  }

  add(row: Row): void {
    this.#rows.splice(
      this.#search((other) => this.compare(other, row) < 0),
      0,
      row,
    )
  }

  remove(row: Row): void {
    const at = this.#search((other) => this.compare(other, row) < 0)
    if (this.#rows[at] === row) this.#rows.splice(at, 1)
  }

  /** The order of two rows. */
  compare(a: Row, b: Row): number {
    for (const column of this.#order) {
      const order = compareValues(valueOf(a, column), valueOf(b, column))
      if (order !== 0) return order
    }
    return 0
  }

  /** The first rows of the query's range for which `keep` holds. */
  page(query: PageQuery, keep: (row: Row) => boolean): Row[] {
    const page: Row[] = []
    const from = this.#search((row) => this.#precedes(row, query))
    for (let i = from; i < this.#rows.length && page.length < query.limit; i++) {
      const row = this.#rows[i]
      if (row === undefined || !this.#within(row, query)) break
      if (keep(row)) page.push(row)
    }
    return page
  }

  /** Whether a row belongs to the query's range. */
  matches(row: Row, query: PageQuery): boolean {
    return !this.#precedes(row, query) && this.#within(row, query)
  }

  #precedes(row: Row, query: PageQuery): boolean {
    const order = this.#comparePrefix(row, 0, query.equals)
    if (order !== 0) return order < 0
    const next = query.equals.length
    if (query.after?.length) return this.#comparePrefix(row, next, query.after) <= 0
    const bounded = this.columns[next]
    return query.upTo !== undefined && bounded !== undefined && valueOf(row, bounded) === null
  }

  #within(row: Row, query: PageQuery): boolean {
    if (this.#comparePrefix(row, 0, query.equals) !== 0) return false
    return (
      query.upTo === undefined || this.#comparePrefix(row, query.equals.length, [query.upTo]) <= 0
    )
  }

  #comparePrefix(row: Row, from: number, values: readonly (string | number)[]): number {
    for (let i = 0; i < values.length; i++) {
      const column = this.columns[from + i]
      if (column === undefined) return 0
      const order = compareValues(valueOf(row, column), values[i] ?? null)
      if (order !== 0) return order
    }
    return 0
  }

  /** The number of rows, from the first on, for which `precedes` holds; it holds for no later one. */
  #search(precedes: (row: Row) => boolean): number {
    let low = 0
    let high = this.#rows.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const row = this.#rows[middle]
      if (row !== undefined && precedes(row)) low = middle + 1
      else high = middle
    }
    return low
  }
}
