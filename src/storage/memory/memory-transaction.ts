import { assert } from '../../core/assert.ts'
import { ConflictError } from '../../core/errors.ts'
import {
  ANNOUNCED_SETTINGS,
  type PageQuery,
  type Row,
  type RowTransaction,
  type TableSchema,
} from '../../core/store.ts'
import { joinRowKey } from '../row-key.ts'
import {
  assertEntryLimit,
  assertKey,
  assertPageQuery,
  assertPrefix,
  assertRow,
  COUNTED_ROWS_MAX,
} from '../row-shape.ts'
import { copyOf, type MemoryTable } from './memory-table.ts'

/** What transactions work on: the committed state, which only a commit changes. */
export interface Committed {
  readonly tables: ReadonlyMap<string, MemoryTable>
  readonly settings: ReadonlyMap<string, string>
  readonly lastOutboxId: number
}

/** One unit of work: a layer of its own changes over the committed state. */
export class MemoryTransaction implements RowTransaction {
  readonly #committed: Committed
  #open = true
  /** By table, then by joined key; `undefined` where the work deleted the row. */
  readonly rows = new Map<TableSchema, Map<string, Row | undefined>>()
  readonly settings = new Map<string, string>()
  readonly touched: { readonly table: string; readonly key: readonly string[] }[] = []
  readonly frames: string[] = []

  constructor(committed: Committed) {
    this.#committed = committed
  }

  /** From here on every method refuses. */
  end(): void {
    this.#open = false
  }

  async get(table: TableSchema, key: readonly string[]): Promise<Row | undefined> {
    this.#assertOpen()
    const row = this.#find(table, key)
    return row && copyOf(row)
  }

  async page(table: TableSchema, query: PageQuery): Promise<Row[]> {
    this.#assertOpen()
    const committed = this.#table(table)
    const index = committed.index(query.index)
    assert(index, `table ${table.name} has no index ${query.index}`)
    assertPageQuery(index.columns, query)
    const own = this.rows.get(table)
    if (own === undefined) return index.page(query, () => true).map(copyOf)
    const page = index.page(query, (row) => !own.has(joinRowKey(table.name, row.key)))
    for (const row of own.values()) if (row && index.matches(row, query)) page.push(row)
    page.sort((a, b) => index.compare(a, b))
    return page.slice(0, query.limit).map(copyOf)
  }

  async count(
    table: TableSchema,
    query: {
      readonly index: string
      readonly equals: readonly (string | number)[]
      readonly atMost: number
    },
  ): Promise<number> {
    this.#assertOpen()
    const index = this.#table(table).index(query.index)
    assert(index, `table ${table.name} has no index ${query.index}`)
    assertPrefix(index.columns, query.equals)
    assertEntryLimit(query.atMost, COUNTED_ROWS_MAX)
    const range = { index: query.index, equals: query.equals, limit: query.atMost }
    const own = this.rows.get(table)
    let count = index.page(range, (row) => !own?.has(joinRowKey(table.name, row.key))).length
    for (const row of own?.values() ?? []) if (row && index.matches(row, range)) count++
    return Math.min(count, query.atMost)
  }

  async setting(name: string): Promise<string | undefined> {
    this.#assertOpen()
    return this.settings.get(name) ?? this.#committed.settings.get(name)
  }

  async insert(table: TableSchema, row: Row): Promise<void> {
    this.#assertOpen()
    assertRow(table, row)
    assert(row.version === 1, 'a row is inserted with version 1')
    this.load(table, row)
  }

  /** See `RowStore.load`. */
  load(table: TableSchema, row: Row): void {
    this.#assertOpen()
    assertRow(table, row)
    if (this.#find(table, row.key)) {
      throw new ConflictError(`${table.name} has a row with this key already`)
    }
    this.#put(table, row.key, copyOf(row))
  }

  async update(table: TableSchema, row: Row): Promise<void> {
    this.#assertOpen()
    assertRow(table, row)
    this.#assertVersion(table, row.key, row.version - 1)
    this.#put(table, row.key, copyOf(row))
  }

  async delete(table: TableSchema, key: readonly string[], version: number): Promise<void> {
    this.#assertOpen()
    this.#assertVersion(table, key, version)
    this.#put(table, key, undefined)
  }

  async setSetting(name: string, value: string): Promise<void> {
    this.#assertOpen()
    this.settings.set(name, value)
  }

  async announceSetting(name: string, value: string): Promise<void> {
    await this.setSetting(name, value)
    this.touched.push({ table: ANNOUNCED_SETTINGS, key: [name] })
  }

  async addOutbox(frame: string): Promise<number> {
    this.#assertOpen()
    return this.#committed.lastOutboxId + this.frames.push(frame)
  }

  #assertOpen(): void {
    assert(this.#open, 'a transaction was used after its work had ended')
  }

  #assertVersion(table: TableSchema, key: readonly string[], version: number): void {
    if (this.#find(table, key)?.version === version) return
    throw new ConflictError(`${table.name} has no row with this key and version`)
  }

  #table(table: TableSchema): MemoryTable {
    const found = this.#committed.tables.get(table.name)
    assert(found, `the store has no table ${table.name}`)
    return found
  }

  #find(table: TableSchema, key: readonly string[]): Row | undefined {
    assertKey(table, key)
    const own = this.rows.get(table)
    const joined = joinRowKey(table.name, key)
    return own?.has(joined) ? own.get(joined) : this.#table(table).get(key)
  }

  #put(table: TableSchema, key: readonly string[], row: Row | undefined): void {
    let own = this.rows.get(table)
    if (own === undefined) this.rows.set(table, (own = new Map()))
    own.set(joinRowKey(table.name, key), row)
    this.touched.push({ table: table.name, key: [...key] })
  }
}
