import type { OutboxEntry, PageQuery, Row, RowSnapshot, TableSchema } from '../../core/store.ts'
import { assertEntryLimit } from '../row-shape.ts'
import { type Committed, MemoryTransaction } from './memory-transaction.ts'

type Setting = Awaited<ReturnType<RowSnapshot['settings']>>[number]

/** A copy of what is committed, read as by a transaction that changes nothing. */
export class MemorySnapshot implements RowSnapshot {
  readonly epoch: number
  readonly outboxId: number
  readonly #reader: MemoryTransaction
  readonly #settings: readonly Setting[]
  readonly #outbox: readonly OutboxEntry[]

  constructor(committed: Committed, epoch: number, outbox: ReadonlyMap<number, string>) {
    this.epoch = epoch
    this.outboxId = committed.lastOutboxId
    this.#reader = new MemoryTransaction({
      tables: new Map([...committed.tables].map(([name, table]) => [name, table.clone()])),
      settings: new Map(committed.settings),
      lastOutboxId: committed.lastOutboxId,
    })
    this.#settings = [...committed.settings]
      .map(([name, value]) => ({ name, value }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
    this.#outbox = [...outbox].map(([id, frame]) => ({ id, frame }))
  }

  /** From here on every method that reads rows refuses. */
  end(): void {
    this.#reader.end()
  }

  get(table: TableSchema, key: readonly string[]): Promise<Row | undefined> {
    return this.#reader.get(table, key)
  }

  page(table: TableSchema, query: PageQuery): Promise<Row[]> {
    return this.#reader.page(table, query)
  }

  count(
    table: TableSchema,
    query: {
      readonly index: string
      readonly equals: readonly (string | number)[]
      readonly atMost: number
    },
  ): Promise<number> {
    return this.#reader.count(table, query)
  }

  setting(name: string): Promise<string | undefined> {
    return this.#reader.setting(name)
  }

  async settings(): Promise<readonly Setting[]> {
    return this.#settings
  }

  async outbox(afterId: number, limit: number): Promise<readonly OutboxEntry[]> {
    assertEntryLimit(limit)
    return this.#outbox.filter(({ id }) => id > afterId).slice(0, limit)
  }

  /** The store is this process's alone. */
  async othersOutbox(): Promise<readonly []> {
    return []
  }
}
