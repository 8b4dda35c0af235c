import type { FileHandle } from 'node:fs/promises'
import { open, realpath } from 'node:fs/promises'
import { OperatorError } from '../core/errors.ts'

/** A folder, and a name for it that is short enough to be part of a socket's address. */
export interface ShortFolder {
  readonly name: string
  /** Keeps the name valid: closed when it is not needed any more. */
  readonly handle: FileHandle | undefined
}

/** @throws {OperatorError} when the folder cannot be opened. */
export async function openFolder(folder: string): Promise<ShortFolder> {
  try {
    if (process.platform !== 'linux') return { name: await realpath(folder), handle: undefined }
    const handle = await open(folder, 'r')
    // Linux takes the open folder for the folder, however long its real name is.
    return { name: `/proc/self/fd/${handle.fd}`, handle }
  } catch (cause) {
    throw new OperatorError(`the folder ${folder} cannot be opened`, undefined, { cause })
  }
}
