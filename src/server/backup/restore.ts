import { existsSync } from 'node:fs'
import type { BackupTotals } from '../../backup/backup-entries.ts'
import { readBackup } from '../../backup/backup-file.ts'
import { countEntries } from '../../backup/restore-backup.ts'
import type { RestoredPlace, RestoreOptions, RestoreProgress } from '../../cli/backup-program.ts'
import { IntegrityError, OperatorError } from '../../core/errors.ts'
import type { RowStore } from '../../core/store.ts'
import { CUSTODY_SETTING } from '../../crypto/custody.ts'
import { createRandom } from '../../crypto/random.ts'
import { lockFolder } from '../../storage/folder-lock.ts'
import { TRANSFER_DONE, TRANSFER_RESTORING, TRANSFER_SETTING } from '../../storage/transfer.ts'
import { machineClock } from '../clocks.ts'
import { makeFolder, type NodeFolder, nodeFolder } from '../node/node-folder.ts'
import { findNodeId, nodeIdOf } from '../node/node-id.ts'
import type { StateParts } from '../node/node-state.ts'
import { assertNoNeighbours, type NodeStore, openNodeStore } from '../node/node-store.ts'
import { assertEmpty } from '../operator/empty-store.ts'
import { createOperatorLog } from '../operator/operator-log.ts'
import { proveKeys } from './prove-keys.ts'
import {
  damaged,
  fillStore,
  type RestoredStore,
  restoreInto,
  type UnsealedBackup,
  unsealBackup,
} from './restored-store.ts'
import { assertNoStore, nameStore, removeStore } from './store-files.ts'

/**
 * Puts a backup back: as the store of a data folder that has none, or into a database that is empty. The store can be used once all of it
 * is in and checked, and its keys have been tried. @throws {OperatorError}
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoredPlace> {
  const parts = { clock: machineClock, random: createRandom(), log: createOperatorLog('warn') }
  const folder = nodeFolder(options)
  if (folder.database === undefined) assertNoStore(folder.storeFile)
  const unsealed = await unsealBackup(options.file, options, folder, parts)
  const { rows: total } = await checkWhole(unsealed)
  const onProgress = (progress: Omit<RestoreProgress, 'total'>): void =>
    options.onProgress?.({ ...progress, total: progress.step === 'proved' ? undefined : total })
  makeFolder(folder)
  const lock = lockFolder(folder.path)
  try {
    const restored =
      folder.database === undefined
        ? await restoreFile(folder, unsealed, onProgress)
        : await restoreDatabase(folder, unsealed, onProgress, parts)
    return {
      dataFolder: folder.path,
      store: folder.database?.label ?? folder.storeFile,
      createdAt: unsealed.backup.header.createdAt,
      ...restored,
    }
  } finally {
    lock.release()
  }
}

/** Reads the backup to its end before anything is put anywhere. @throws {OperatorError} where it is damaged */
async function checkWhole({ backup, custody }: UnsealedBackup): Promise<BackupTotals> {
  try {
    return await countEntries(readBackup(backup, custody))
  } catch (error) {
    throw error instanceof IntegrityError ? damaged(backup, error) : error
  }
}

type OnProgress = (progress: Omit<RestoreProgress, 'total'>) => void

/** The store appears under its name in the end. */
async function restoreFile(folder: NodeFolder, unsealed: UnsealedBackup, onProgress: OnProgress) {
  const draft = `${folder.storeFile}.restoring`
  removeStore(draft)
  const place = { nodeId: findNodeId(folder), onProgress: restoredOf(onProgress) }
  const restored = await restoreInto(draft, unsealed, place)
  const { rows } = restored
  let proofs: Awaited<ReturnType<typeof prove>>
  try {
    proofs = await prove(restored, onProgress)
    await rows.transaction((tx) => tx.setSetting(CUSTODY_SETTING, unsealed.custody.settingText))
  } finally {
    await rows.close()
  }
  nameStore(draft, folder.storeFile)
  return proofs
}

/** The store has its keys in the end, and says until then that it is being filled: nobody can serve from it. */
async function restoreDatabase(
  folder: NodeFolder,
  unsealed: UnsealedBackup,
  onProgress: OnProgress,
  { clock, random, log }: StateParts,
) {
  const nodeId = nodeIdOf(folder, random)
  const store = await openNodeStore(folder, () => nodeId, {
    clock,
    log,
    isWorker: false,
    onLateCommit: () => undefined,
    onForgotten: () => undefined,
    onEnd: () => undefined,
    onCommitted: undefined,
  })
  const { rows } = store
  try {
    await assertFree(store, folder)
    await begin(rows)
    const place = { nodeId, onProgress: restoredOf(onProgress) }
    const restored = await fillStore(rows, unsealed, place)
    const proofs = await prove(restored, onProgress)
    await rows.transaction(async (tx) => {
      await tx.setSetting(CUSTODY_SETTING, unsealed.custody.settingText)
      await tx.setSetting(TRANSFER_SETTING, TRANSFER_DONE)
    })
    return proofs
  } finally {
    await rows.close()
  }
}

/** Whoever is refused here has put nothing in, and is no node of that store: nobody is to wait for its answers. */
async function assertFree(store: NodeStore, { auditFolder }: NodeFolder): Promise<void> {
  try {
    await assertNoNeighbours(store, '', 'stop every node first')
    await assertEmpty(store)
  } catch (error) {
    if (!existsSync(auditFolder)) store.mail?.leaveForGood()
    throw error
  }
}

/** From here on no node sets the store up, and nobody else fills it. */
const begin = (rows: RowStore): Promise<void> =>
  rows.transaction(async (tx) => {
    for (const name of [CUSTODY_SETTING, TRANSFER_SETTING]) {
      if ((await tx.setting(name)) === undefined) continue
      throw new OperatorError('somebody else has begun to use the store', 'stop every node first')
    }
    await tx.setSetting(TRANSFER_SETTING, TRANSFER_RESTORING)
  })

async function prove(restored: RestoredStore, onProgress: OnProgress) {
  const { rows: records } = restored.totals
  onProgress({ step: 'checked', rows: records })
  const proofs = await proveKeys(restored, (rows) => onProgress({ step: 'proved', rows }))
  return { records, ...proofs }
}

const restoredOf =
  (onProgress: OnProgress) =>
  (rows: number): void =>
    onProgress({ step: 'restored', rows })
