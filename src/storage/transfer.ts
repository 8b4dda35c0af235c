import { IntegrityError } from '../core/errors.ts'
import type { Row, RowReader, RowSnapshot, RowStore, TableSchema } from '../core/store.ts'

/** Rows in one commit, and in one page of a comparison. */
const BATCH_ROWS = 500
/** Outbox entries in one commit. */
const BATCH_FRAMES = 100
/** What a count of rows stops at. */
const COUNTED_MAX = 200_000

/** Says in a store what became of a transfer; absent in most. */
export const TRANSFER_SETTING = 'transfer'
/** The store is being filled, or was left so: it is of no use. */
export const TRANSFER_BEGUN = 'begun'
/** … from a backup. */
export const TRANSFER_RESTORING = 'restore begun'
/** The store is complete. */
export const TRANSFER_DONE = 'done'
/** The store was moved; behind it stands where to. */
export const TRANSFER_MOVED = 'moved to '

export interface TransferOptions {
  readonly tables: readonly TableSchema[]
  /** The setting without which nobody can use a store: it is written last, with the word that all is there. */
  readonly lastSetting: string
  /** Told after each batch how many rows have been copied, or compared. */
  readonly onProgress: (rows: number) => void
}

/** How many rows a store has; undefined where a table has more than one counts. */
export async function countRows(
  rows: RowReader,
  tables: readonly TableSchema[],
): Promise<number | undefined> {
  let total = 0
  for (const table of tables) {
    const counted = await rows.count(table, { index: 'key', equals: [], atMost: COUNTED_MAX })
    if (counted === COUNTED_MAX) return undefined
    total += counted
  }
  return total
}

/** Every row of a table in the order of its key. */
async function* pagesOf(rows: RowReader, table: TableSchema): AsyncGenerator<readonly Row[]> {
  let after: readonly string[] | undefined
  for (;;) {
    const query = { index: 'key', equals: [], limit: BATCH_ROWS, ...(after && { after }) }
    const page = await rows.page(table, query)
    if (page.length > 0) yield page
    after = page.at(-1)?.key
    if (page.length < BATCH_ROWS) return
  }
}

/**
 * Copies all of a store into an empty one: rows as they stand, frames of the outbox with their ids, settings. A
 * target that is left half filled says so (`TRANSFER_BEGUN`) and has not the last setting.
 * @returns how many rows there were
 */
export async function copyStore(
  from: RowSnapshot,
  to: RowStore,
  { tables, lastSetting, onProgress }: TransferOptions,
): Promise<number> {
  await to.transaction((tx) => tx.setSetting(TRANSFER_SETTING, TRANSFER_BEGUN))
  let copied = 0
  for (const table of tables) {
    for await (const page of pagesOf(from, table)) {
      await to.load(table, page)
      copied += page.length
      onProgress(copied)
    }
  }
  await to.raiseOutbox(from.outboxId)
  let afterId = 0
  for (;;) {
    const entries = await from.outbox(afterId, BATCH_FRAMES)
    if (entries.length > 0) await to.loadOutbox(entries)
    afterId = entries.at(-1)?.id ?? 0
    if (entries.length < BATCH_FRAMES) break
  }
  const settings = (await from.settings()).filter(({ name }) => name !== TRANSFER_SETTING)
  await to.transaction(async (tx) => {
    for (const { name, value } of settings.filter(({ name: one }) => one !== lastSetting)) {
      await tx.setSetting(name, value)
    }
  })
  return copied
}

/** The word that all is there, and what makes the store usable, in one commit. */
export async function completeTransfer(
  from: RowSnapshot,
  to: RowStore,
  lastSetting: string,
): Promise<void> {
  const last = await from.setting(lastSetting)
  if (last === undefined) throw new IntegrityError(`the store has no setting ${lastSetting}`)
  await to.transaction(async (tx) => {
    await tx.setSetting(lastSetting, last)
    await tx.setSetting(TRANSFER_SETTING, TRANSFER_DONE)
  })
}

const textOf = ({ key, version, columns, body, secret, mac }: Row): string =>
  JSON.stringify([
    key,
    version,
    Object.entries(columns).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    body,
    secret && Buffer.from(secret).toString('base64'),
    Buffer.from(mac).toString('base64'),
  ])

/**
 * Reads both stores through and compares every row, every column and every byte.
 * @throws {IntegrityError} naming the first table and key that differ
 */
export async function compareStores(
  from: RowSnapshot,
  to: RowReader,
  { tables, onProgress }: Pick<TransferOptions, 'tables' | 'onProgress'>,
): Promise<void> {
  let compared = 0
  for (const table of tables) {
    const theirs = pagesOf(to, table)
    for await (const page of pagesOf(from, table)) {
      const other = (await theirs.next()).value ?? []
      for (const [at, row] of page.entries()) {
        const copy = other[at]
        if (copy !== undefined && textOf(row) === textOf(copy)) continue
        throw new IntegrityError(`${table.name} ${row.key.join('/')} did not arrive as it was`)
      }
      if (other.length > page.length) throw tooMany(table)
      compared += page.length
      onProgress(compared)
    }
    const more = await theirs.next()
    if (more.done !== true) throw tooMany(table)
  }
}

const tooMany = ({ name }: TableSchema): IntegrityError =>
  new IntegrityError(`${name} has rows that were not there`)
