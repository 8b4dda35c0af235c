import { existsSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { OperatorError } from '../../core/errors.ts'
import { syncFolder } from '../durable-file.ts'

/** What SQLite keeps beside a store file while it is open, and after a crash: changes that are not in the file yet, or not whole. */
const LOGS = ['-wal', '-journal']

/**
 * Makes sure that a store can be put there. A log that another store has left would be taken for that of the new one, and
 * written into it. @throws {OperatorError}
 */
export function assertNoStore(file: string): void {
  if (existsSync(file)) {
    throw new OperatorError(
      `there is a store at ${file} already`,
      'choose another place, or move the store away: nothing is overwritten',
    )
  }
  const log = LOGS.map((suffix) => `${file}${suffix}`).find((name) => existsSync(name))
  if (log === undefined) return
  throw new OperatorError(
    `${log} has the last changes of a store that was there`,
    'move it to where that store is now, beside it and under its name',
  )
}

/** Removes a store file with what SQLite keeps beside it. */
export function removeStore(file: string): void {
  for (const suffix of ['', '-shm', ...LOGS]) rmSync(`${file}${suffix}`, { force: true })
}

/**
 * Gives a store that has been filled and closed its name, durably. SQLite writes its log into the file as it is closed, and says
 * nothing where it cannot, as on a full disk: then the file is not whole. @throws {OperatorError}
 */
export function nameStore(draft: string, file: string): void {
  if (LOGS.some((suffix) => existsSync(`${draft}${suffix}`))) {
    removeStore(draft)
    throw new OperatorError(
      `the store could not be written to ${draft} in whole`,
      'look for room on its disk, and do it again: nothing was changed',
    )
  }
  assertNoStore(file)
  renameSync(draft, file)
  syncFolder(dirname(file))
}
