import { ConflictError, DependencyError, IntegrityError } from '../../core/errors.ts'

// Source: SQLite, Result and Error Codes.
const SQLITE_BUSY = 5
const SQLITE_CORRUPT = 11
/** The file does not begin as an SQLite database does. */
export const SQLITE_NOTADB = 26
const SQLITE_CONSTRAINT_PRIMARYKEY = 1555
const SQLITE_CONSTRAINT_UNIQUE = 2067
const SQLITE_IOERR_FSYNC = 1034
const SQLITE_IOERR_DIR_FSYNC = 1290

/** The extended result code of an error of SQLite; undefined for any other error. */
export function sqliteCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode
    : undefined
}

/** Whether the error says that another process has the lock. */
export const isBusy = (error: unknown): boolean => ((sqliteCode(error) ?? 0) & 0xff) === SQLITE_BUSY

/** Whether the error says that the primary key of an inserted row is taken. */
export function isKeyTaken(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === SQLITE_CONSTRAINT_PRIMARYKEY || code === SQLITE_CONSTRAINT_UNIQUE
}

/**
 * Whether a sync failed. What the kernel did with the unwritten pages is then unknown, and a second
 * sync that succeeds proves nothing: nothing more may be written.
 */
export function isSyncFailure(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === SQLITE_IOERR_FSYNC || code === SQLITE_IOERR_DIR_FSYNC
}

/**
 * An error of SQLite as one of ours, with the original as `cause`: `IntegrityError` for a damaged
 * file, `ConflictError` for a key that is taken, else `DependencyError`. Errors of our own pass.
 * @param doing what failed, to follow "could not"
 */
export function fromSqlite(error: unknown, doing: string): unknown {
  const code = sqliteCode(error)
  if (code === undefined || !(error instanceof Error)) return error
  const primary = code & 0xff
  if (primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB) {
    return new IntegrityError(`the store is damaged: could not ${doing}`, { cause: error })
  }
  if (isKeyTaken(error)) return new ConflictError('the key is taken', { cause: error })
  return new DependencyError(`the store could not ${doing}: ${error.message} (SQLite ${code})`, {
    cause: error,
  })
}
