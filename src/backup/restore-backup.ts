import { IntegrityError } from '../core/errors.ts'
import type { Row, RowStore, TableSchema } from '../core/store.ts'
import { type BackupEntry, type BackupTotals, type Canary, fitRow } from './backup-entries.ts'

/** Rows in one commit. */
const BATCH_ROWS = 500

export interface RestoreTarget {
  /** Empty, and served by nobody. */
  readonly rows: Pick<RowStore, 'load' | 'loadOutbox' | 'transaction' | 'raiseOutbox'>
  readonly tables: readonly TableSchema[]
  /** Told now and then how many rows are in. */
  readonly onProgress?: ((rows: number) => void) | undefined
}

export interface Restored {
  readonly totals: BackupTotals
  /** By `canaryName`. */
  readonly canaries: ReadonlyMap<string, Canary>
}

export const canaryName = (region: string, keyId: string): string => `${region}/${keyId}`

/**
 * Puts the entries of a backup into an empty store. Whatever fails leaves the store half filled: it is to be thrown away.
 * @throws {IntegrityError} where the backup is damaged, or has a table that this version does not know
 */
export async function restoreEntries(
  entries: AsyncIterable<BackupEntry>,
  { rows: store, tables, onProgress }: RestoreTarget,
): Promise<Restored> {
  const byName = new Map(tables.map((table) => [table.name, table]))
  const canaries = new Map<string, Canary>()
  const seen = { rows: 0, settings: 0, outbox: 0, canaries: 0 }
  let totals: BackupTotals | undefined
  let batch: Row[] = []
  let batchTable: TableSchema | undefined
  const flush = async (): Promise<void> => {
    if (batchTable !== undefined && batch.length > 0) await store.load(batchTable, batch)
    batch = []
    onProgress?.(seen.rows)
  }
  for await (const entry of entries) {
    if (entry.type === 'row') {
      const table = byName.get(entry.table)
      if (table === undefined) {
        throw new IntegrityError(`the backup has a table ${entry.table} that this version has not`)
      }
      if (table !== batchTable || batch.length >= BATCH_ROWS) await flush()
      batchTable = table
      batch.push(fitRow(table, entry.row))
      seen.rows += 1
    } else if (entry.type === 'canary') {
      canaries.set(canaryName(entry.canary.region, entry.canary.keyId), entry.canary)
      seen.canaries += 1
    } else if (entry.type === 'end') {
      totals = entry.totals
    } else if (entry.type === 'setting') {
      await store.transaction((tx) => tx.setSetting(entry.name, entry.value))
      seen.settings += 1
    } else {
      await store.loadOutbox([entry])
      seen.outbox += 1
    }
  }
  await flush()
  if (totals === undefined) throw new IntegrityError('the backup has no end')
  assertComplete(totals, seen)
  await store.raiseOutbox(totals.outboxId)
  return { totals, canaries }
}

function assertComplete(totals: BackupTotals, seen: Omit<BackupTotals, 'outboxId'>): void {
  for (const what of ['rows', 'settings', 'outbox', 'canaries'] as const) {
    if (totals[what] === seen[what]) continue
    throw new IntegrityError(`the backup has ${seen[what]} ${what} instead of ${totals[what]}`)
  }
}
