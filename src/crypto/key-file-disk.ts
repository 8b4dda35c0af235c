import { link, open, realpath, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Secret } from '../core/secret.ts'
import { KEY_FILE_BYTES_MAX } from './key-file.ts'

/** A key file as it lies there. */
export interface KeyFileOnDisk {
  readonly contents: Secret
  /** Permission bits. */
  readonly mode: number
  /** Whether it belongs to another user, who lets this one read it: a Secret of Kubernetes is root's. */
  readonly isLent?: boolean
}

/**
 * The steps on disk that the key file needs, each of them one that a crash may precede or follow.
 * Tests put failures between them.
 */
export interface KeyFileDisk {
  /** Undefined if there is no such file. Reads little more than a key file can have. */
  read(path: string): Promise<KeyFileOnDisk | undefined>
  /** `path` with symbolic links followed, so that a replacement lands where the link points. */
  resolve(path: string): Promise<string>
  /** Makes a new file of mode 0600 and syncs it. Fails if it exists. */
  write(path: string, contents: Secret): Promise<void>
  /** Gives the file a second name. Fails with EEXIST if that is taken. */
  link(from: string, to: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** Removes a file if it is there. */
  remove(path: string): Promise<void>
  /** Syncs the folder that holds `path`. */
  syncFolderOf(path: string): Promise<void>
}

const PERMISSION_BITS = 0o777

/** The machine's file system. */
export const localDisk: KeyFileDisk = {
  async read(path) {
    try {
      await using file = await open(path, 'r')
      const { mode, uid } = await file.stat()
      const bytes = new Uint8Array(KEY_FILE_BYTES_MAX + 1)
      let size = 0
      while (size < bytes.length) {
        const { bytesRead } = await file.read(bytes, size, bytes.length - size)
        if (bytesRead === 0) break
        size += bytesRead
      }
      const contents = new Secret(bytes.slice(0, size))
      bytes.fill(0)
      return { contents, mode: mode & PERMISSION_BITS, isLent: uid !== process.geteuid?.() }
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined
      throw error
    }
  },
  resolve: (path) => realpath(path),
  async write(path, contents) {
    await using file = await open(path, 'wx', 0o600)
    await file.chmod(0o600)
    await file.writeFile(contents.expose())
    await file.sync()
  },
  link,
  rename,
  remove: (path) => rm(path, { force: true }),
  async syncFolderOf(path) {
    await using folder = await open(dirname(path), 'r')
    await folder.sync()
  },
}

/** Whether `error` is a system error with this code. */
export const isErrno = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
