import { closeSync, existsSync, fsyncSync, openSync, renameSync } from 'node:fs'
import { dirname } from 'node:path'
import type { RestoredFolder, RestoreOptions } from '../../cli/program.ts'
import { OperatorError } from '../../core/errors.ts'
import { createRandom } from '../../crypto/random.ts'
import { lockFolder } from '../../storage/folder-lock.ts'
import { machineClock } from '../clocks.ts'
import { makeFolder, nodeFolder } from '../node/node-folder.ts'
import { createOperatorLog } from '../operator/operator-log.ts'
import { removeStore, restoreInto, unsealBackup } from './restored-store.ts'

/**
 * Puts a backup back as the store of a data folder that has none. The store appears under its name once all
 * of it is in and checked. @throws {OperatorError}
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoredFolder> {
  const parts = { clock: machineClock, random: createRandom(), log: createOperatorLog('warn') }
  const folder = nodeFolder(options)
  if (folder.database !== undefined) {
    throw new OperatorError(
      'a backup is put back as a file',
      'leave --store out, and move the restored store with strongroom migrate-store --to postgres://…',
    )
  }
  if (existsSync(folder.storeFile)) {
    throw new OperatorError(
      `there is a store at ${folder.storeFile} already`,
      'choose another folder with --data, or move the store away: nothing is overwritten',
    )
  }
  const unsealed = await unsealBackup(options.file, options, folder, parts)
  makeFolder(folder)
  const lock = lockFolder(folder.path)
  try {
    const draft = `${folder.storeFile}.restoring`
    removeStore(draft)
    const { rows, totals } = await restoreInto(draft, unsealed, options.onProgress)
    await rows.close()
    renameSync(draft, folder.storeFile)
    syncFolder(dirname(folder.storeFile))
    return {
      dataFolder: folder.path,
      storeFile: folder.storeFile,
      createdAt: unsealed.backup.header.createdAt,
      records: totals.rows,
    }
  } finally {
    lock.release()
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
