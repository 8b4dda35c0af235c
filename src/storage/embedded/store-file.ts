import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { DependencyError, OperatorError } from '../../core/errors.ts'

/** Only the user who runs Strongroom may read or write the store. */
const FILE_MODE = 0o600

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

/**
 * Makes sure that the store's file is there and private, before SQLite opens it: SQLite gives the
 * `-wal` and `-shm` files beside it the mode that the database has. A new file's directory entry is
 * durable on return.
 * @throws {OperatorError} where the folder is missing or may not be written
 */
export function prepareStoreFile(file: string): void {
  try {
    closeSync(openSync(file, 'wx', FILE_MODE))
    syncFolder(dirname(file))
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw notWritable(file, error)
    if (!statSync(file).isFile()) throw new OperatorError(`${file} is not a file`, 'check --store')
    for (const path of [file, `${file}-wal`, `${file}-shm`]) {
      restrict(path)
      assertWritable(path)
    }
  }
}

/** @throws {OperatorError} unless there is a file to read. */
export function assertStoreFile(file: string): void {
  if (existsSync(file) && statSync(file).isFile()) return
  throw new OperatorError(`there is no store at ${file}`, 'check --data and --store')
}

/** Makes the entries of a folder durable. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** A copy or a restored backup may have come with a wider mode. */
function restrict(path: string): void {
  try {
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, FILE_MODE)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw new OperatorError(
      `cannot make ${path} private`,
      'it must belong to the user who runs Strongroom',
      {
        cause: error,
      },
    )
  }
}

/**
 * SQLite opens a file that may not be written for reading only, and says so when it is first written
 * to: a node would serve, and fail every change.
 */
function assertWritable(path: string): void {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return
    throw new OperatorError(
      `the store ${path} may not be written`,
      'it must belong to the user who runs Strongroom, with mode 0600',
      { cause },
    )
  }
}

function notWritable(file: string, cause: unknown): Error {
  const code = codeOf(cause)
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new OperatorError(`the folder of the store ${file} does not exist`, undefined, { cause })
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new OperatorError(`the store ${file} cannot be created: permission denied`, undefined, {
      cause,
    })
  }
  return new DependencyError(`the store ${file} cannot be created (${code})`, { cause })
}
