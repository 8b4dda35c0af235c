import { assert } from '../../core/assert.ts'
import { DependencyError } from '../../core/errors.ts'
import type {
  Change,
  CommitNews,
  OutboxEntry,
  PageQuery,
  Row,
  RowSnapshot,
  RowStore,
  RowTransaction,
  TableSchema,
} from '../../core/store.ts'
import { CommitListeners } from '../commit-listeners.ts'
import { assertEntryLimit, assertOutboxId } from '../row-shape.ts'
import { settleWithinTurn } from '../settle.ts'
import { MemorySnapshot } from './memory-snapshot.ts'
import { MemoryTable } from './memory-table.ts'
import { MemoryTransaction } from './memory-transaction.ts'

/** A store that lives as long as the process: for tests and `strongroom dev`. Nothing is durable. */
class MemoryStore implements RowStore {
  readonly tables = new Map<string, MemoryTable>()
  readonly settings = new Map<string, string>()
  lastOutboxId = 0
  #epoch = 0
  #changes: Change[] = []
  readonly #outbox = new Map<number, string>()
  readonly #delivered = new Set<number>()
  readonly #listeners = new CommitListeners()
  /** Settles when the last unit of work has; units run one after the other. */
  #last: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(tables: readonly TableSchema[]) {
    for (const table of tables) this.tables.set(table.name, new MemoryTable(table))
  }

  // A read is a unit of work of its own that changes nothing: it sees what is committed.
  async get(table: TableSchema, key: readonly string[]): Promise<Row | undefined> {
    return this.#reader().get(table, key)
  }

  async page(table: TableSchema, query: PageQuery): Promise<Row[]> {
    return this.#reader().page(table, query)
  }

  async count(
    table: TableSchema,
    query: {
      readonly index: string
      readonly equals: readonly (string | number)[]
      readonly atMost: number
    },
  ): Promise<number> {
    return this.#reader().count(table, query)
  }

  async setting(name: string): Promise<string | undefined> {
    return this.#reader().setting(name)
  }

  transaction<T>(work: (tx: RowTransaction) => Promise<T>): Promise<T> {
    return this.#submit(work)
  }

  #submit<T>(work: (tx: MemoryTransaction) => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new DependencyError('the store is closed'))
    const result = this.#last.then(() => this.#run(work))
    // A failure is the caller's; the next unit of work runs all the same.
    this.#last = result.catch(() => undefined)
    return result
  }

  /** Copies the whole store, which is small: it is one for tests and development. */
  async snapshot<T>(work: (snapshot: RowSnapshot) => Promise<T>): Promise<T> {
    if (this.#closed) throw new DependencyError('the store is closed')
    const snapshot = new MemorySnapshot(this, this.#epoch, this.#outbox)
    try {
      return await work(snapshot)
    } finally {
      snapshot.end()
    }
  }

  async load(table: TableSchema, rows: readonly Row[]): Promise<void> {
    await this.#submit(async (tx) => {
      for (const row of rows) tx.load(table, row)
    })
  }

  async loadOutbox(entries: readonly OutboxEntry[]): Promise<void> {
    await this.#submit(async () => {
      for (const { id, frame } of entries) {
        this.#outbox.set(id, frame)
        this.lastOutboxId = Math.max(this.lastOutboxId, id)
      }
    })
  }

  onCommit(listener: (news: CommitNews) => void): void {
    this.#listeners.add(listener)
  }

  async epoch(): Promise<number> {
    return this.#epoch
  }

  async changesSince(epoch: number, limit: number): Promise<Change[]> {
    assertEntryLimit(limit)
    const from = this.#changes.findIndex((change) => change.epoch > epoch)
    if (from < 0) return []
    let to = Math.min(from + limit, this.#changes.length)
    // An epoch is never split: whoever asks again asks for greater epochs only.
    while (to < this.#changes.length && this.#changes[to]?.epoch === this.#changes[to - 1]?.epoch)
      to++
    return this.#changes.slice(from, to)
  }

  async trimChanges(epoch: number): Promise<void> {
    this.#changes = this.#changes.filter((change) => change.epoch > epoch)
  }

  async outbox(afterId: number, limit: number): Promise<OutboxEntry[]> {
    assertEntryLimit(limit)
    const entries: OutboxEntry[] = []
    for (const [id, frame] of this.#outbox) {
      if (id > afterId && entries.push({ id, frame }) === limit) break
    }
    return entries
  }

  async raiseOutbox(atLeast: number): Promise<void> {
    assertOutboxId(atLeast)
    await this.transaction(async () => {
      this.lastOutboxId = Math.max(this.lastOutboxId, atLeast)
    })
  }

  outboxDelivered(ids: readonly number[]): void {
    for (const id of ids) this.#delivered.add(id)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#last
    this.#removeDelivered()
  }

  #reader(): MemoryTransaction {
    if (this.#closed) throw new DependencyError('the store is closed')
    return new MemoryTransaction(this)
  }

  async #run<T>(work: (tx: MemoryTransaction) => Promise<T>): Promise<T> {
    const tx = new MemoryTransaction(this)
    const outcome = await settleWithinTurn(() => work(tx))
    tx.end()
    if (!outcome.ok) throw outcome.error
    this.#commit(tx)
    return outcome.value
  }

  /** Runs without a pause: nobody sees half of it. */
  #commit(tx: MemoryTransaction): void {
    for (const [schema, rows] of tx.rows) {
      const table = this.tables.get(schema.name)
      assert(table, `the store has no table ${schema.name}`)
      for (const [joinedKey, row] of rows) table.set(joinedKey, row)
    }
    for (const [name, value] of tx.settings) this.settings.set(name, value)
    for (const frame of tx.frames) this.#outbox.set(++this.lastOutboxId, frame)
    this.#removeDelivered()
    if (tx.touched.length === 0) return
    const epoch = ++this.#epoch
    const changes = tx.touched.map((touched): Change => ({ epoch, ...touched }))
    for (const change of changes) this.#changes.push(change)
    this.#listeners.tell(changes)
  }

  #removeDelivered(): void {
    for (const id of this.#delivered) this.#outbox.delete(id)
    this.#delivered.clear()
  }
}

/** Opens an empty store in memory; see `RowStore` for what it promises, durability excepted. */
export function openMemoryStore(tables: readonly TableSchema[]): RowStore {
  return new MemoryStore(tables)
}
