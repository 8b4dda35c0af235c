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
import { assertKey, assertRow } from '../row-shape.ts'
import type { ResultRows, Session } from './connections.ts'
import { readSetting, settingOf, trimChanges, writeSetting } from './feed-sql.ts'
import { adoptOutbox } from './outbox-adoption.ts'
import { fromPostgres } from './postgres-error.ts'
import type { Statement, TablesSql } from './row-sql.ts'

/** The counters of a commit in progress; both only grow. */
export interface Counters {
  readonly epoch: number
  /** Of this node: each node counts its own outbox. */
  readonly outboxId: number
}

/** One unit of work: a savepoint of the commit that it shares with others. */
export class PostgresTransaction implements RowTransaction {
  readonly #session: Session
  readonly #tables: TablesSql
  readonly #before: Counters
  #outboxId: number
  #open = true
  #pending = 0
  #started = 0
  #wrote = false
  readonly changes: Change[] = []
  readonly outbox: OutboxEntry[] = []
  /** The first error that leaves unknown how far a method came, as the driver gave it. The work must not commit. */
  failure: unknown

  constructor(session: Session, tables: TablesSql, before: Counters) {
    this.#session = session
    this.#tables = tables
    this.#before = before
    this.#outboxId = before.outboxId
  }

  /** From here on every method refuses. */
  end(): void {
    this.#open = false
  }

  /** Whether a method waits for its answer. */
  get isBusy(): boolean {
    return this.#pending > 0
  }

  /** How many methods were called. */
  get started(): number {
    return this.#started
  }

  /** Whether there is anything to commit. */
  get wrote(): boolean {
    return this.#wrote || this.#outboxId !== this.#before.outboxId
  }

  /** The counters after this unit of work. Its epoch is used up only if it changed a row. */
  get counters(): Counters {
    const changed = this.changes.length > 0 ? 1 : 0
    return { epoch: this.#before.epoch + changed, outboxId: this.#outboxId }
  }

  get(table: TableSchema, key: readonly string[]): Promise<Row | undefined> {
    return this.#do('read a row', async () => {
      const sql = this.#tables.of(table)
      const [row] = (await this.#send(sql.get(key))).rows
      return row && sql.decode(row)
    })
  }

  page(table: TableSchema, query: PageQuery): Promise<Row[]> {
    return this.#do('read a page', async () => {
      const sql = this.#tables.of(table)
      return (await this.#send(sql.page(query))).rows.map((row) => sql.decode(row))
    })
  }

  count(
    table: TableSchema,
    query: {
      readonly index: string
      readonly equals: readonly (string | number)[]
      readonly atMost: number
    },
  ): Promise<number> {
    const { index, equals, atMost } = query
    return this.#do('count rows', async () => {
      const sql = this.#tables.of(table)
      return sql.decodeCount((await this.#send(sql.count(index, equals, atMost))).rows)
    })
  }

  setting(name: string): Promise<string | undefined> {
    return this.#do('read a setting', async () =>
      settingOf((await this.#send(readSetting(name))).rows),
    )
  }

  insert(table: TableSchema, row: Row): Promise<void> {
    return this.#do('insert a row', async () => {
      assert(row.version === 1, 'a row is inserted with version 1')
      await this.#insert(table, row)
    })
  }

  /** See `RowStore.load`. The rows are sent together. */
  load(table: TableSchema, rows: readonly Row[]): Promise<void> {
    return this.#do('load rows', async () => {
      await Promise.all(rows.map((row) => this.#insert(table, row)))
    })
  }

  async #insert(table: TableSchema, row: Row): Promise<void> {
    assertRow(table, row)
    const { count } = await this.#write(this.#tables.of(table).insert(row))
    if (count !== 1) {
      throw new ConflictError(`${table.name} has a row with this key already`)
    }
    this.#changed(table.name, row.key)
  }

  update(table: TableSchema, row: Row): Promise<void> {
    return this.#do('update a row', async () => {
      assertRow(table, row)
      const { count } = await this.#write(this.#tables.of(table).update(row))
      if (count !== 1) throw versionMoved(table)
      this.#changed(table.name, row.key)
    })
  }

  delete(table: TableSchema, key: readonly string[], version: number): Promise<void> {
    return this.#do('delete a row', async () => {
      assertKey(table, key)
      const { count } = await this.#write(this.#tables.of(table).delete(key, version))
      if (count !== 1) throw versionMoved(table)
      this.#changed(table.name, key)
    })
  }

  setSetting(name: string, value: string): Promise<void> {
    return this.#do('write a setting', async () => {
      await this.#write(writeSetting(name, value))
    })
  }

  announceSetting(name: string, value: string): Promise<void> {
    return this.#do('announce a setting', async () => {
      await this.#write(writeSetting(name, value))
      this.#changed(ANNOUNCED_SETTINGS, [name])
    })
  }

  // What goes into the outbox and the feed is sent with the commit: a statement for each would be a
  // round trip for each.
  addOutbox(frame: string): Promise<number> {
    return this.#do('write the outbox', async () => {
      assert(frame.isWellFormed(), 'a frame is well-formed text')
      const id = ++this.#outboxId
      this.outbox.push({ id, frame })
      return id
    })
  }

  /** See `RowStore.loadOutbox`. */
  loadOutbox(entries: readonly OutboxEntry[]): void {
    for (const entry of entries) {
      this.outbox.push(entry)
      this.raiseOutbox(entry.id)
    }
    this.#wrote ||= entries.length > 0
  }

  /** See `RowStore.raiseOutbox`. */
  raiseOutbox(atLeast: number): void {
    this.#outboxId = Math.max(this.#outboxId, atLeast)
  }

  /** Takes over what a node has left in its outbox; see `adoptOutbox`. */
  adopt(nodeId: string): Promise<readonly OutboxEntry[]> {
    return this.#do('adopt an outbox', () =>
      adoptOutbox({ session: this.#session, addOutbox: (frame) => this.addOutbox(frame) }, nodeId),
    )
  }

  /** See `RowStore.trimChanges`. */
  trimChanges(epoch: number): Promise<void> {
    return this.#do('trim the change feed', async () => {
      await this.#write(trimChanges(epoch))
    })
  }

  #changed(table: string, key: readonly string[]): void {
    this.changes.push({ epoch: this.#before.epoch + 1, table, key: [...key] })
  }

  #send({ text, values }: Statement): Promise<ResultRows> {
    return this.#session.query(text, values)
  }

  #write(statement: Statement): Promise<ResultRows> {
    this.#wrote = true
    return this.#send(statement)
  }

  /**
   * Runs one method. A conflict is an answer and the work may go on after it; any other error is
   * kept, because a work that swallows it must not commit half of what it meant to do.
   */
  async #do<T>(doing: string, method: () => Promise<T>): Promise<T> {
    assert(this.#open, 'a transaction was used after its work had ended')
    this.#pending++
    this.#started++
    try {
      return await method()
    } catch (cause) {
      const error = fromPostgres(cause, doing)
      if (!(error instanceof ConflictError)) this.failure ??= cause
      throw error
    } finally {
      this.#pending--
    }
  }
}

const versionMoved = (table: TableSchema): ConflictError =>
  new ConflictError(`${table.name} has no row with this key and version`)
