import { assert } from '../../core/assert.ts'
import { ConflictError } from '../../core/errors.ts'
import {
  ANNOUNCED_SETTINGS,
  type Change,
  type OutboxEntry,
  type PageQuery,
  type Row,
  type RowTransaction,
  type TableSchema,
} from '../../core/store.ts'
import { assertKey, assertRow, FEED_ENTRIES_MAX } from '../row-shape.ts'
import type { Counters, FeedSql } from './feed-sql.ts'
import type { TablesSql } from './row-sql.ts'
import { fromSqlite, isKeyTaken } from './sqlite-error.ts'

/** One unit of work: a savepoint of the commit it shares with others. Runs on the writing connection. */
export class EmbeddedTransaction implements RowTransaction {
  readonly #tables: TablesSql
  readonly #feed: FeedSql
  readonly #before: Counters
  #outboxId: number
  #open = true
  readonly changes: Change[] = []
  /** The first error that leaves unknown how far a method came. The work must not commit. */
  failure: unknown

  constructor(tables: TablesSql, feed: FeedSql, before: Counters) {
    this.#tables = tables
    this.#feed = feed
    this.#before = before
    this.#outboxId = before.outboxId
  }

  /** From here on every method refuses. */
  end(): void {
    this.#open = false
  }

  /** Whether it moved a counter. */
  get wroteFeed(): boolean {
    return this.changes.length > 0 || this.#outboxId > this.#before.outboxId
  }

  /** The counters after this unit of work. Its epoch is used up only if it changed a row. */
  get counters(): Counters {
    const changed = this.changes.length > 0 ? 1 : 0
    return { epoch: this.#before.epoch + changed, outboxId: this.#outboxId }
  }

  async get(table: TableSchema, key: readonly string[]): Promise<Row | undefined> {
    return this.#do('read a row', () => this.#tables.of(table).get(key))
  }

  async page(table: TableSchema, query: PageQuery): Promise<Row[]> {
    return this.#do('read a page', () => this.#tables.of(table).page(query))
  }

  async count(
    table: TableSchema,
    query: {
      readonly index: string
      readonly equals: readonly (string | number)[]
      readonly atMost: number
    },
  ): Promise<number> {
    const { index, equals, atMost } = query
    return this.#do('count rows', () => this.#tables.of(table).count(index, equals, atMost))
  }

  async setting(name: string): Promise<string | undefined> {
    return this.#do('read a setting', () => this.#feed.setting(name))
  }

  async insert(table: TableSchema, row: Row): Promise<void> {
    this.#do('insert a row', () => {
      assertRow(table, row)
      assert(row.version === 1, 'a row is inserted with version 1')
      this.#insert(table, row)
    })
  }

  /** See `RowStore.load`. */
  load(table: TableSchema, row: Row): void {
    this.#do('load a row', () => {
      assertRow(table, row)
      this.#insert(table, row)
    })
  }

  async update(table: TableSchema, row: Row): Promise<void> {
    this.#do('update a row', () => {
      assertRow(table, row)
      if (!this.#tables.of(table).update(row)) throw versionMoved(table)
      this.#changed(table.name, row.key)
    })
  }

  async delete(table: TableSchema, key: readonly string[], version: number): Promise<void> {
    this.#do('delete a row', () => {
      assertKey(table, key)
      if (!this.#tables.of(table).delete(key, version)) throw versionMoved(table)
      this.#changed(table.name, key)
    })
  }

  async setSetting(name: string, value: string): Promise<void> {
    this.#do('write a setting', () => this.#feed.setSetting(name, value))
  }

  async announceSetting(name: string, value: string): Promise<void> {
    this.#do('announce a setting', () => {
      this.#feed.setSetting(name, value)
      this.#changed(ANNOUNCED_SETTINGS, [name])
    })
  }

  async addOutbox(frame: string): Promise<number> {
    return this.#do('write the outbox', () => {
      this.#feed.addOutbox(this.#outboxId + 1, frame)
      return ++this.#outboxId
    })
  }

  /** See `RowStore.loadOutbox`. */
  loadOutbox(entries: readonly OutboxEntry[]): void {
    this.#do('load the outbox', () => {
      for (const { id, frame } of entries) {
        this.#feed.addOutbox(id, frame)
        this.raiseOutbox(id)
      }
    })
  }

  /** See `EmbeddedStore.adoptOutbox`. */
  adopt(nodeId: string, isDelivered: ReadonlySet<number>): readonly OutboxEntry[] {
    return this.#do('adopt an outbox', () => {
      const left = this.#feed.outboxOf(nodeId, 0, FEED_ENTRIES_MAX)
      const adopted = left
        .filter(({ id }) => !isDelivered.has(id))
        .map(({ frame }) => {
          this.#feed.addOutbox(this.#outboxId + 1, frame)
          return { id: ++this.#outboxId, frame }
        })
      this.#feed.removeOutbox(left.map(({ id }) => id))
      return adopted
    })
  }

  /** See `RowStore.raiseOutbox`. */
  raiseOutbox(atLeast: number): void {
    this.#outboxId = Math.max(this.#outboxId, atLeast)
  }

  #insert(table: TableSchema, row: Row): void {
    try {
      this.#tables.of(table).insert(row)
    } catch (error) {
      if (!isKeyTaken(error)) throw error
      throw new ConflictError(`${table.name} has a row with this key already`, { cause: error })
    }
    this.#changed(table.name, row.key)
  }

  #changed(table: string, key: readonly string[]): void {
    const change = { epoch: this.#before.epoch + 1, table, key: [...key] }
    this.#feed.addChange(change, this.changes.length)
    this.changes.push(change)
  }

  /**
   * Runs one method. A conflict is an answer and the work may go on after it; any other error is
   * kept, because a work that swallows it must not commit half of what it meant to do.
   */
  #do<T>(doing: string, method: () => T): T {
    assert(this.#open, 'a transaction was used after its work had ended')
    try {
      return method()
    } catch (cause) {
      const error = fromSqlite(cause, doing)
      if (!(error instanceof ConflictError)) this.failure ??= error
      throw error
    }
  }
}

const versionMoved = (table: TableSchema): ConflictError =>
  new ConflictError(`${table.name} has no row with this key and version`)
