import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { OperatorError } from '../core/errors.ts'

// Source: SQLite, Result and Error Codes.
const SQLITE_BUSY = 5
/** How often a lock file that is removed meanwhile is made anew. */
const ATTEMPTS_MAX = 3

/** A data folder that this process alone uses. */
export interface FolderLock {
  /** Lets others have the folder. May be called twice. */
  release(): void
  /** As `release`, and the folder looks as if the lock had never been taken. */
  releaseAndRemove(): void
}

/**
 * Takes a data folder for this process. The lock is the operating system's, on the file `lock`, so
 * it ends with the process however that ends; `lock.pid` says to people who has it and decides
 * nothing. No other code may open `lock`: closing any handle of it would give the lock away
 * (POSIX locks belong to process and file). It lasts as long as the result is kept: collected as
 * garbage, it lets go.
 * @throws {OperatorError} when another process has it, or the folder cannot be written
 */
export function lockFolder(folder: string): FolderLock {
  for (let attempt = 1; ; attempt++) {
    const { db, isThere } = takeLock(folder)
    if (isThere()) return holding(db, folder)
    // Its holder has removed the file between our opening and locking it: the lock is on nothing.
    db.close()
    if (attempt >= ATTEMPTS_MAX) throw notLocked(folder, pidFileIn(folder), undefined)
  }
}

/** As `lockFolder`; undefined where another process has the folder. For a folder that this process does not have itself. */
export function tryLockFolder(folder: string): FolderLock | undefined {
  try {
    return lockFolder(folder)
  } catch (error) {
    if (error instanceof OperatorError && isHeld(error.cause)) return undefined
    throw error
  }
}

/** Whether the folder has ever been locked, or still is. */
export const hasLockFile = (folder: string): boolean => existsSync(lockFileIn(folder))

const lockFileIn = (folder: string): string => join(folder, 'lock')
const pidFileIn = (folder: string): string => join(folder, 'lock.pid')

function takeLock(folder: string): { readonly db: DatabaseSync; isThere(): boolean } {
  const { db, inode } = openLockFile(folder)
  try {
    // Taken on an empty file and never committed: it stays empty.
    db.exec('BEGIN EXCLUSIVE')
    const isThere = (): boolean =>
      statSync(lockFileIn(folder), { throwIfNoEntry: false })?.ino === inode
    if (isThere()) writeFileSync(pidFileIn(folder), `${process.pid}\n`, { mode: 0o600 })
    return { db, isThere }
  } catch (error) {
    db.close()
    throw notLocked(folder, pidFileIn(folder), error)
  }
}

function holding(db: DatabaseSync, folder: string): FolderLock {
  const release = (files: readonly string[]): void => {
    if (!db.isOpen) return
    // While the lock is still held, so that the next holder's files stay.
    for (const file of files) rmSync(file, { force: true })
    db.close()
  }
  return {
    release: () => release([pidFileIn(folder)]),
    releaseAndRemove: () => release([pidFileIn(folder), lockFileIn(folder)]),
  }
}

function openLockFile(folder: string): { readonly db: DatabaseSync; readonly inode: number } {
  try {
    const file = lockFileIn(folder)
    // SQLite would make it readable by all.
    if (statSync(file, { throwIfNoEntry: false }) === undefined) {
      writeFileSync(file, '', { flag: 'a', mode: 0o600 })
    }
    const inode = statSync(file).ino
    return { db: new DatabaseSync(file, { timeout: 0 }), inode }
  } catch (cause) {
    throw new OperatorError(
      `the data folder ${folder} cannot be locked`,
      'it must exist and belong to the user who runs Strongroom',
      { cause },
    )
  }
}

function notLocked(folder: string, pidFile: string, cause: unknown): OperatorError {
  if (!isHeld(cause)) {
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

const isHeld = (cause: unknown): boolean =>
  cause instanceof Error && 'errcode' in cause && cause.errcode === SQLITE_BUSY

function holderOf(pidFile: string): string | undefined {
  try {
    const text = readFileSync(pidFile, 'utf8').trim()
    return /^\d{1,10}$/.test(text) ? text : undefined
  } catch {
    // The message does without: the holder may be about to write it.
    return undefined
  }
}
