import type { BackupEntry } from '../../backup/backup-entries.ts'
import { type OpenedBackup, openBackup, readBackup } from '../../backup/backup-file.ts'
import { type Restored, restoreEntries } from '../../backup/restore-backup.ts'
import type { FolderOptions } from '../../cli/program.ts'
import { IntegrityError, OperatorError } from '../../core/errors.ts'
import type { RowStore } from '../../core/store.ts'
import { TABLES } from '../../core/tables.ts'
import { CUSTODY_SETTING, type Custody, openCustody } from '../../crypto/custody.ts'
import { parseSetting } from '../../crypto/custody-setting.ts'
import { openEmbeddedStore } from '../../storage/embedded/embedded-store.ts'
import { type CachedRecordStore, createRecordStore } from '../../storage/record-store.ts'
import { TRANSFER_SETTING } from '../../storage/transfer.ts'
import type { NodeFolder } from '../node/node-folder.ts'
import { type StateParts, sealOf } from '../node/node-state.ts'
import { removeStore } from './store-files.ts'

/** Records held in memory while a restored store is looked through. */
const CACHE_RECORDS = 10_000

/** A backup whose seal is open. */
export interface UnsealedBackup {
  readonly backup: OpenedBackup
  readonly custody: Custody
}

/**
 * Opens a backup with the seal that its store had when it was written.
 * @throws {OperatorError} where the file is no backup, or the key file or passphrase is another one
 */
export async function unsealBackup(
  file: string,
  options: FolderOptions,
  folder: NodeFolder,
  parts: StateParts,
): Promise<UnsealedBackup> {
  const backup = await openBackup(file)
  const { kind } = parseSetting(backup.header.custody).record.seal
  const seal = sealOf(kind, options, folder, 'open', parts)
  return { backup, custody: await openCustody(backup.header.custody, { seal, ...parts }) }
}

/** Where a backup is put. */
export interface RestorePlace {
  /** As `RestoreTarget.nodeId`. */
  readonly nodeId: string | undefined
  readonly onProgress?: ((rows: number) => void) | undefined
}

/** The store that a backup was put into. It has no keys of its own yet: `completeRestore` is what makes it one that can be served. */
export interface RestoredStore<R extends RowStore = RowStore> extends Restored {
  readonly rows: R
  readonly records: CachedRecordStore
}

/**
 * Puts a backup into a store file of its own, which must not be there yet, and checks every record of it.
 * Whatever fails leaves no file. @throws {OperatorError} where the backup is damaged
 */
export async function restoreInto(
  storeFile: string,
  unsealed: UnsealedBackup,
  place: RestorePlace,
): Promise<RestoredStore> {
  const tables = TABLES.map(({ schema }) => schema)
  const rows = await openEmbeddedStore({ file: storeFile, tables })
  try {
    return await fillStore(rows, unsealed, place)
  } catch (error) {
    await rows.close()
    removeStore(storeFile)
    throw error
  }
}

/** Puts a backup into an empty store, and checks every record there. @throws {OperatorError} where the backup is damaged */
export async function fillStore<R extends RowStore>(
  rows: R,
  { backup, custody }: UnsealedBackup,
  { nodeId, onProgress }: RestorePlace,
): Promise<RestoredStore<R>> {
  try {
    const tables = TABLES.map(({ schema }) => schema)
    const entries: AsyncIterable<BackupEntry> = readBackup(backup, custody)
    const heldBack = [CUSTODY_SETTING, TRANSFER_SETTING]
    const restored = await restoreEntries(entries, { rows, tables, nodeId, heldBack, onProgress })
    if (restored.heldBack.get(CUSTODY_SETTING) !== backup.header.custody) {
      throw new IntegrityError('its beginning belongs to another backup')
    }
    const records = createRecordStore({ rows, guard: custody, cacheRecords: CACHE_RECORDS })
    await records.verifyAll(({ table, key, message }) => {
      throw new IntegrityError(`${table} ${key.join('/')}: ${message}`)
    })
    return { ...restored, rows, records }
  } catch (error) {
    throw error instanceof IntegrityError ? damaged(backup, error) : error
  }
}

/** What is said of a backup that is not what was written. */
export const damaged = ({ path }: OpenedBackup, cause: IntegrityError): OperatorError =>
  new OperatorError(
    `the backup ${path} is damaged: ${cause.message}`,
    'nothing of it can be used; take another copy',
    { cause },
  )
