import { assert } from '../../core/assert.ts'
import type {
  OthersEntry,
  OutboxEntry,
  PageQuery,
  Row,
  RowSnapshot,
  TableSchema,
} from '../../core/store.ts'
import { assertEntryLimit } from '../row-shape.ts'
import type { ResultRow, Session } from './connections.ts'
import {
  numberOf,
  othersEntryOf,
  outboxEntryOf,
  READ_EPOCH,
  readOthersOutbox,
  readOutbox,
  readSetting,
  readSettings,
  readWriter,
  settingEntryOf,
  settingOf,
} from './feed-sql.ts'
import { fromPostgres } from './postgres-error.ts'
import type { Statement, TablesSql } from './row-sql.ts'

/** How long whoever reads a snapshot may do something else: the server keeps old rows meanwhile. */
const SNAPSHOT_IDLE_MS_MAX = 600_000

/** What one session sees inside a read-only transaction of its own. The outbox is this node's. */
export class PostgresSnapshot implements RowSnapshot {
  readonly epoch: number
  readonly outboxId: number
  readonly #session: Session
  readonly #tables: TablesSql
  readonly #nodeId: string
  #isOpen = true

  private constructor(
    session: Session,
    tables: TablesSql,
    nodeId: string,
    begun: { readonly epoch: number; readonly outboxId: number },
  ) {
    this.#session = session
    this.#tables = tables
    this.#nodeId = nodeId
    this.epoch = begun.epoch
    this.outboxId = begun.outboxId
  }

  /** Takes the session over; the transaction begins here. */
  static async begin(
    session: Session,
    tables: TablesSql,
    nodeId: string,
  ): Promise<PostgresSnapshot> {
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    await session.query(`SET LOCAL idle_in_transaction_session_timeout = ${SNAPSHOT_IDLE_MS_MAX}`)
    // The first read fixes what all others see.
    const epoch = numberOf((await session.query(READ_EPOCH, [])).rows)
    const writer = readWriter(nodeId)
    const { rows } = await session.query(writer.text, writer.values)
    const outboxId = rows.length === 0 ? 0 : numberOf(rows, 1)
    return new PostgresSnapshot(session, tables, nodeId, { epoch, outboxId })
  }

  async get(table: TableSchema, key: readonly string[]): Promise<Row | undefined> {
    const sql = this.#tables.of(table)
    const [row] = await this.#read('read a row', sql.get(key))
    return row && sql.decode(row)
  }

  async page(table: TableSchema, query: PageQuery): Promise<Row[]> {
    const sql = this.#tables.of(table)
    return (await this.#read('read a page', sql.page(query))).map((row) => sql.decode(row))
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
    const sql = this.#tables.of(table)
    return sql.decodeCount(await this.#read('count rows', sql.count(index, equals, atMost)))
  }

  async setting(name: string): Promise<string | undefined> {
    return settingOf(await this.#read('read a setting', readSetting(name)))
  }

  async settings(): Promise<readonly { readonly name: string; readonly value: string }[]> {
    return (await this.#read('read the settings', readSettings())).map(settingEntryOf)
  }

  async outbox(afterId: number, limit: number): Promise<readonly OutboxEntry[]> {
    assertEntryLimit(limit)
    const rows = await this.#read('read the outbox', readOutbox(this.#nodeId, afterId, limit))
    return rows.map(outboxEntryOf)
  }

  async othersOutbox(
    after: Omit<OthersEntry, 'frame'> | undefined,
    limit: number,
  ): Promise<readonly OthersEntry[]> {
    assertEntryLimit(limit)
    const sql = readOthersOutbox(this.#nodeId, after, limit)
    return (await this.#read('read the outboxes', sql)).map(othersEntryOf)
  }

  /** Ends the transaction with its session. */
  async close(): Promise<void> {
    this.#isOpen = false
    await this.#session.close()
  }

  async #read(doing: string, { text, values }: Statement): Promise<readonly ResultRow[]> {
    assert(this.#isOpen, 'a snapshot was used after its work had ended')
    try {
      return (await this.#session.query(text, values)).rows
    } catch (error) {
      throw fromPostgres(error, doing)
    }
  }
}
