import type { DatabaseSync } from 'node:sqlite'
import { assert } from '../../core/assert.ts'
import type { OutboxEntry, PageQuery, Row, RowSnapshot, TableSchema } from '../../core/store.ts'
import { assertEntryLimit } from '../row-shape.ts'
import { type Counters, FeedSql } from './feed-sql.ts'
import { TablesSql } from './row-sql.ts'
import { fromSqlite } from './sqlite-error.ts'

/** What one connection sees inside a read transaction of its own. */
export class EmbeddedSnapshot implements RowSnapshot {
  readonly epoch: number
  readonly outboxId: number
  readonly #db: DatabaseSync
  readonly #tables: TablesSql
  readonly #feed: FeedSql

  /** Takes the connection over; the transaction begins here. */
  constructor(db: DatabaseSync, tables: readonly TableSchema[]) {
    this.#db = db
    db.exec('BEGIN')
    this.#tables = new TablesSql(db, tables)
    this.#feed = new FeedSql(db, null)
    // The first read fixes what all others see.
    const { epoch, outboxId }: Counters = this.#feed.counters()
    this.epoch = epoch
    this.outboxId = outboxId
  }

  async get(table: TableSchema, key: readonly string[]): Promise<Row | undefined> {
    return this.#read('read a row', () => this.#tables.of(table).get(key))
  }

  async page(table: TableSchema, query: PageQuery): Promise<Row[]> {
    return this.#read('read a page', () => this.#tables.of(table).page(query))
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
    return this.#read('count rows', () => this.#tables.of(table).count(index, equals, atMost))
  }

  async setting(name: string): Promise<string | undefined> {
    return this.#read('read a setting', () => this.#feed.setting(name))
  }

  async settings(): Promise<readonly { readonly name: string; readonly value: string }[]> {
    return this.#read('read the settings', () => this.#feed.settings())
  }

  async outbox(afterId: number, limit: number): Promise<readonly OutboxEntry[]> {
    assertEntryLimit(limit)
    return this.#read('read the outbox', () => this.#feed.outboxOfAll(afterId, limit))
  }

  /** `outbox` has those of all workers: their ids are of one count. */
  async othersOutbox(): Promise<readonly []> {
    return []
  }

  /** Ends the transaction and closes the connection. */
  close(): void {
    this.#db.close()
  }

  #read<T>(doing: string, read: () => T): T {
    assert(this.#db.isOpen, 'a snapshot was used after its work had ended')
    try {
      return read()
    } catch (error) {
      throw fromSqlite(error, doing)
    }
  }
}
