import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { IntegrityError } from '../../core/errors.ts'
import type { Change, OutboxEntry } from '../../core/store.ts'

/** The store's two counters: they only grow, whatever is deleted. */
export interface Counters {
  readonly epoch: number
  readonly outboxId: number
}

/** What another node has in its outbox. */
export interface ForeignOutbox {
  /** Null: the node whose data folder the file belongs to. */
  readonly nodeId: string | null
  readonly frames: number
  /** The id of its newest entry. */
  readonly newest: number
}

/**
 * What is not a record, as seen by one connection: counters, change feed, outbox and settings.
 * Synchronous; errors are SQLite's own.
 */
export class FeedSql {
  readonly #db: DatabaseSync
  /** Whose outbox it is. */
  readonly #nodeId: string | null
  readonly #statements = new Map<string, StatementSync>()

  /** @param nodeId whose outbox entries are read and written; null for the node whose data folder the file belongs to */
  constructor(db: DatabaseSync, nodeId: string | null) {
    this.#db = db
    this.#nodeId = nodeId
  }

  counters(): Counters {
    return { epoch: this.#counter('epoch'), outboxId: this.#counter('outbox') }
  }

  setCounters(counters: Counters): void {
    const update = this.#sql('UPDATE counter SET value = ? WHERE name = ?')
    update.run(counters.epoch, 'epoch')
    update.run(counters.outboxId, 'outbox')
  }

  addChange(change: Change, position: number): void {
    this.#sql('INSERT INTO change (epoch, position, table_name, row_key) VALUES (?, ?, ?, ?)').run(
      change.epoch,
      position,
      change.table,
      JSON.stringify(change.key),
    )
  }

  /** At least `limit` entries where there are so many; the last epoch comes whole. */
  changesSince(epoch: number, limit: number): Change[] {
    const page = this.#sql(
      'SELECT epoch, position, table_name, row_key FROM change WHERE epoch > ? ORDER BY epoch, position LIMIT ?',
    ).all(epoch, limit)
    const last = page.at(-1)
    if (page.length < limit || last === undefined) return page.map(decodeChange)
    const rest = this.#sql(
      'SELECT epoch, table_name, row_key FROM change WHERE epoch = ? AND position > ? ORDER BY position',
    ).all(last['epoch'] ?? 0, last['position'] ?? 0)
    return [...page, ...rest].map(decodeChange)
  }

  trimChanges(epoch: number): void {
    this.#sql('DELETE FROM change WHERE epoch <= ?').run(epoch)
  }

  addOutbox(id: number, frame: string): void {
    const insert = this.#sql('INSERT INTO outbox (id, frame, node_id) VALUES (?, ?, ?)')
    insert.run(id, frame, this.#nodeId)
  }

  outbox(afterId: number, limit: number): OutboxEntry[] {
    return this.outboxOf(this.#nodeId, afterId, limit)
  }

  outboxOf(nodeId: string | null, afterId: number, limit: number): OutboxEntry[] {
    return this.#sql(
      'SELECT id, frame FROM outbox WHERE node_id IS ? AND id > ? ORDER BY id LIMIT ?',
    )
      .all(nodeId, afterId, limit)
      .map(outboxEntryOf)
  }

  /** The entries of all nodes. */
  outboxOfAll(afterId: number, limit: number): OutboxEntry[] {
    return this.#sql('SELECT id, frame FROM outbox WHERE id > ? ORDER BY id LIMIT ?')
      .all(afterId, limit)
      .map(outboxEntryOf)
  }

  foreignOutboxes(): ForeignOutbox[] {
    return this.#sql(
      'SELECT node_id, count(*) AS frames, max(id) AS newest FROM outbox WHERE node_id IS NOT ? GROUP BY node_id',
    )
      .all(this.#nodeId)
      .map(({ node_id: nodeId, frames, newest }) => ({
        nodeId: typeof nodeId === 'string' ? nodeId : null,
        frames: Number(frames),
        newest: Number(newest),
      }))
  }

  removeOutbox(ids: Iterable<number>): void {
    const remove = this.#sql('DELETE FROM outbox WHERE id = ?')
    for (const id of ids) remove.run(id)
  }

  setting(name: string): string | undefined {
    const value = this.#sql('SELECT value FROM setting WHERE name = ?').get(name)?.['value']
    return typeof value === 'string' ? value : undefined
  }

  settings(): { name: string; value: string }[] {
    return this.#sql('SELECT name, value FROM setting ORDER BY name')
      .all()
      .map(({ name, value }) => {
        if (typeof name === 'string' && typeof value === 'string') return { name, value }
        throw new IntegrityError('the settings of the store hold something else')
      })
  }

  setSetting(name: string, value: string): void {
    this.#sql(
      'INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    ).run(name, value)
  }

  #counter(name: string): number {
    const value = this.#sql('SELECT value FROM counter WHERE name = ?').get(name)?.['value']
    if (typeof value === 'number') return value
    throw new IntegrityError(`the store has lost its counter ${name}`)
  }

  #sql(text: string): StatementSync {
    let statement = this.#statements.get(text)
    if (statement === undefined) {
      statement = this.#db.prepare(text)
      this.#statements.set(text, statement)
    }
    return statement
  }
}

function outboxEntryOf({ id, frame }: Readonly<Record<string, unknown>>): OutboxEntry {
  if (typeof id === 'number' && typeof frame === 'string') return { id, frame }
  throw new IntegrityError('the outbox of the store holds something else')
}

function decodeChange(row: Readonly<Record<string, unknown>>): Change {
  const { epoch, table_name: table, row_key: text } = row
  const key: unknown = typeof text === 'string' ? JSON.parse(text) : undefined
  if (
    typeof epoch === 'number' &&
    typeof table === 'string' &&
    Array.isArray(key) &&
    key.every((part) => typeof part === 'string')
  ) {
    return { epoch, table, key }
  }
  throw new IntegrityError('the change feed of the store holds something else')
}
