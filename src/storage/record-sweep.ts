import { IntegrityError } from '../core/errors.ts'
import type { Row, RowStore } from '../core/store.ts'
import type { Table } from '../core/tables.ts'
import type { RecordCodec } from './record-codec.ts'

/** Rows that a check reads before it lets others have the thread. */
const CHECK_ROWS = 200

export interface RewriteOptions {
  /**
   * Whether a row is under the present keys of the guard already, its MAC **and** its secret: an
   * update in the meantime makes a new MAC and keeps the secret as it was wrapped.
   */
  readonly isCurrent: (row: Row) => boolean
  /** Rows in one transaction, 1..10,000; 200 when absent. */
  readonly batch?: number
  /** Told after each batch: rows rewritten and rows looked at so far. */
  readonly onProgress?: (rewritten: number, seen: number) => void
}

/** What a check found wrong: a row, or a whole table that could not be read on. */
export interface RecordProblem {
  readonly table: string
  /** Empty where the table could not be read. */
  readonly key: readonly string[]
  readonly message: string
}

/** Every row of a table in the order of its key, in batches that each see what is committed by then. */
async function* batches(
  rows: RowStore,
  table: Table<never>,
  limit: number,
): AsyncGenerator<readonly Row[]> {
  let after: readonly string[] | undefined
  for (;;) {
    const query = { index: 'key', equals: [], limit, ...(after && { after }) }
    const page = await rows.page(table.schema, query)
    if (page.length > 0) yield page
    after = page.at(-1)?.key
    if (page.length < limit) return
    // The embedded store reads synchronously: without this a long sweep would starve every request.
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}

/**
 * Brings every row under the guard's present keys. May be stopped at any point and run again: rows
 * that are current are passed over. Operations go on meanwhile.
 * @returns how many rows were rewritten
 * @throws {IntegrityError} at the first row that is not genuine
 */
export async function rewriteRows(
  rows: RowStore,
  codec: RecordCodec,
  tables: readonly Table<never>[],
  options: RewriteOptions,
): Promise<number> {
  let rewritten = 0
  let seen = 0
  for (const table of tables) {
    for await (const page of batches(rows, table, options.batch ?? CHECK_ROWS)) {
      const stale = page.filter((row) => !options.isCurrent(row))
      if (stale.length > 0) {
        rewritten += await rows.transaction(async (tx) => {
          let count = 0
          for (const { key } of stale) {
            const row = await tx.get(table.schema, key)
            if (row === undefined || options.isCurrent(row)) continue
            await tx.update(table.schema, codec.rewrite(table, row))
            count++
          }
          return count
        })
      }
      seen += page.length
      options.onProgress?.(rewritten, seen)
    }
  }
  return rewritten
}

/**
 * Checks every row of every table: its MAC, its key, its columns, and that its secret opens. A
 * problem does not stop it.
 * @returns how many rows it looked at
 */
export async function verifyRows(
  rows: RowStore,
  codec: RecordCodec,
  tables: readonly Table<never>[],
  onProblem: (problem: RecordProblem) => void,
): Promise<number> {
  let seen = 0
  for (const table of tables) {
    const name = table.schema.name
    try {
      for await (const page of batches(rows, table, CHECK_ROWS)) {
        seen += page.length
        for (const row of page) {
          const message = problemOf(codec, table, row)
          if (message !== undefined) onProblem({ table: name, key: row.key, message })
        }
      }
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error
      onProblem({ table: name, key: [], message: error.message })
    }
  }
  return seen
}

function problemOf(codec: RecordCodec, table: Table<never>, row: Row): string | undefined {
  try {
    const stored = codec.decode(table, row.key, row)
    if (stored.secret !== null) codec.unwrap(table, stored)[Symbol.dispose]()
    return undefined
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error
    return error.message
  }
}
