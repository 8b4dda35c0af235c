import type { Row, TableSchema } from '../../core/store.ts'
import { joinRowKey } from '../row-key.ts'
import { SortedRows } from './sorted-rows.ts'

/** The committed rows of one table: by key, and sorted by each index. */
export class MemoryTable {
  readonly #schema: TableSchema
  readonly #byKey = new Map<string, Row>()
  readonly #indexes = new Map<string, SortedRows>()

  constructor(schema: TableSchema) {
    this.#schema = schema
    for (const index of ['key', ...Object.keys(schema.indexes)]) {
      this.#indexes.set(index, new SortedRows(schema, index))
    }
  }

  /** The same rows in a table of its own: rows themselves never change. */
  clone(): MemoryTable {
    const clone = new MemoryTable(this.#schema)
    for (const [joinedKey, row] of this.#byKey) clone.set(joinedKey, row)
    return clone
  }

  get(key: readonly string[]): Row | undefined {
    return this.#byKey.get(joinRowKey(this.#schema.name, key))
  }

  index(name: string): SortedRows | undefined {
    return this.#indexes.get(name)
  }

  /** Puts `row` in the place of what has this key; `undefined` leaves the place empty. */
  set(joinedKey: string, row: Row | undefined): void {
    const before = this.#byKey.get(joinedKey)
    for (const index of this.#indexes.values()) {
      if (before !== undefined) index.remove(before)
      if (row !== undefined) index.add(row)
    }
    if (row === undefined) this.#byKey.delete(joinedKey)
    else this.#byKey.set(joinedKey, row)
  }
}

/** A row that shares no bytes with `row`: what a caller does to its arrays stays outside the store. */
export function copyOf(row: Row): Row {
  return {
    key: [...row.key],
    version: row.version,
    columns: { ...row.columns },
    body: row.body,
    secret: row.secret === null ? null : new Uint8Array(row.secret),
    mac: new Uint8Array(row.mac),
  }
}
