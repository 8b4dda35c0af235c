import { IntegrityError } from '../core/errors.ts'
import type { OutboxEntry, Row, RowStore, TableSchema } from '../core/store.ts'
import {
  type BackupEntry,
  type BackupTotals,
  type Canary,
  EntryCount,
  fitRow,
} from './backup-entries.ts'

/** Rows in one commit. */
const BATCH_ROWS = 500
/**
 * How far behind the outbox ids of the backup those begin that its entries of other nodes are given: the log beside which the store is put
 * may have ids of later changes. No log has so many: that would be two years of a thousand changes a second.
 */
const OTHERS_IDS_BEHIND = 2 ** 36

export interface RestoreTarget {
  /** Empty, and served by nobody. */
  readonly rows: Pick<RowStore, 'load' | 'loadOutbox' | 'transaction' | 'raiseOutbox'>
  readonly tables: readonly TableSchema[]
  /** Whose outbox it will be: entries of its own keep their ids, by which its log knows them. Undefined for one that has no log yet. */
  readonly nodeId: string | undefined
  /** Settings that are not put in: whoever restores does it in the end. */
  readonly heldBack: readonly string[]
  /** Told now and then how many rows are in. */
  readonly onProgress?: ((rows: number) => void) | undefined
}

export interface Restored {
  readonly totals: BackupTotals
  /** By `canaryName`. */
  readonly canaries: ReadonlyMap<string, Canary>
  /** The settings that were held back. */
  readonly heldBack: ReadonlyMap<string, string>
}

export const canaryName = (region: string, keyId: string): string => `${region}/${keyId}`

/** Reads all entries of a backup and puts nothing anywhere. @throws {IntegrityError} where the backup is damaged */
export async function countEntries(entries: AsyncIterable<BackupEntry>): Promise<BackupTotals> {
  const count = new EntryCount()
  for await (const entry of entries) count.add(entry)
  return count.complete()
}

/**
 * Puts the entries of a backup into an empty store. Whatever fails leaves the store half filled: it is to be thrown away.
 * @throws {IntegrityError} where the backup is damaged, or has a table that this version does not know
 */
export async function restoreEntries(
  entries: AsyncIterable<BackupEntry>,
  { rows: store, tables, nodeId, heldBack: names, onProgress }: RestoreTarget,
): Promise<Restored> {
  const byName = new Map(tables.map((table) => [table.name, table]))
  const canaries = new Map<string, Canary>()
  const heldBack = new Map<string, string>()
  const others: string[] = []
  const count = new EntryCount()
  let batch: Row[] = []
  let batchTable: TableSchema | undefined
  const flush = async (): Promise<void> => {
    if (batchTable !== undefined && batch.length > 0) await store.load(batchTable, batch)
    batch = []
    onProgress?.(count.rows)
  }
  for await (const entry of entries) {
    count.add(entry)
    if (entry.type === 'row') {
      const table = byName.get(entry.table)
      if (table === undefined) {
        throw new IntegrityError(`the backup has a table ${entry.table} that this version has not`)
      }
      if (table !== batchTable || batch.length >= BATCH_ROWS) await flush()
      batchTable = table
      batch.push(fitRow(table, entry.row))
    } else if (entry.type === 'canary') {
      canaries.set(canaryName(entry.canary.region, entry.canary.keyId), entry.canary)
    } else if (entry.type === 'setting') {
      if (names.includes(entry.name)) heldBack.set(entry.name, entry.value)
      else await store.transaction((tx) => tx.setSetting(entry.name, entry.value))
    } else if (entry.type === 'outbox') {
      if (entry.node !== undefined && entry.node !== nodeId) others.push(entry.frame)
      else await store.loadOutbox([{ id: entry.id, frame: entry.frame }])
    }
  }
  await flush()
  const totals = count.complete()
  await store.raiseOutbox(totals.outboxId)
  await store.loadOutbox(othersEntries(others, totals.outboxId))
  return { totals, canaries, heldBack }
}

/** The audit records that other nodes had left in the store: they go to the log of the node that has it now. */
const othersEntries = (frames: readonly string[], outboxId: number): readonly OutboxEntry[] =>
  frames.map((frame, at) => ({ id: outboxId + OTHERS_IDS_BEHIND + at, frame }))
