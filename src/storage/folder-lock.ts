import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { OperatorError } from '../core/errors.ts'

// Source: SQLite, Result and Error Codes.
const SQLITE_BUSY = 5

/** A data folder that this process alone uses. */
export interface FolderLock {
  /** Lets others have the folder. May be called twice. */
  release(): void
}

/**
 * Takes a data folder for this process. The lock is the operating system's, on the file `lock`, so
 * it ends with the process however that ends; `lock.pid` says to people who has it and decides
 * nothing. No other code may open `lock`: closing any handle of it would give the lock away
 * (POSIX locks belong to process and file).
 * @throws {OperatorError} when another process has it, or the folder cannot be written
 */
export function lockFolder(folder: string): FolderLock {
  const pidFile = join(folder, 'lock.pid')
  const db = openLockFile(folder)
  try {
    // Taken on an empty file and never committed: it stays empty.
    db.exec('BEGIN EXCLUSIVE')
    writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 })
  } catch (error) {
    db.close()
    throw notLocked(folder, pidFile, error)
  }
  return {
    release() {
      if (!db.isOpen) return
      // While the lock is still held, so that the next holder's file stays.
      rmSync(pidFile, { force: true })
      db.close()
    },
  }
}

function openLockFile(folder: string): DatabaseSync {
  try {
    const file = join(folder, 'lock')
    // SQLite would make it readable by all.
    if (statSync(file, { throwIfNoEntry: false }) === undefined) {
      writeFileSync(file, '', { flag: 'a', mode: 0o600 })
    }
    return new DatabaseSync(file, { timeout: 0 })
  } catch (cause) {
    throw new OperatorError(
      `the data folder ${folder} cannot be locked`,
      'it must exist and belong to the user who runs Strongroom',
      { cause },
    )
  }
}

function notLocked(folder: string, pidFile: string, cause: unknown): OperatorError {
  const busy = cause instanceof Error && 'errcode' in cause && cause.errcode === SQLITE_BUSY
  if (!busy) {
    return new OperatorError(
      `the data folder ${folder} cannot be locked`,
      'it must be on a local, writable file system',
      { cause },
    )
  }
  const holder = holderOf(pidFile)
  return new OperatorError(
    `another Strongroom process${holder === undefined ? '' : ` (pid ${holder})`} is using ${folder}`,
    'stop it first, or choose another folder with --data',
    { cause },
  )
}

function holderOf(pidFile: string): string | undefined {
  try {
    const text = readFileSync(pidFile, 'utf8').trim()
    return /^\d{1,10}$/.test(text) ? text : undefined
  } catch {
    // The message does without: the holder may be about to write it.
    return undefined
  }
}
