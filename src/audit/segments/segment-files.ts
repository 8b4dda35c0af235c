import { close, constants, fstat, fsync, open, read, write } from 'node:fs'
import { mkdir, open as openHandle, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** One open segment. */
export interface SegmentFile {
  sizeBytes(): Promise<number>
  /** Fills `into` from offset `at`; resolves with the bytes read, fewer only at the end of the file. */
  read(into: Buffer, at: number): Promise<number>
  /**
   * Writes the first `length` bytes of `bytes` at offset `at`. Durable (unless opened otherwise) once
   * called back without an error. After an error the range may hold any mixture of old and new bytes.
   * Never calls back before it returns; `bytes` must not change until then.
   */
  write(bytes: Buffer, length: number, at: number, done: (error: Error | null) => void): void
  close(): Promise<void>
}

/** The folder of a log: what the log needs of a file system, so that tests can make it fail. */
export interface SegmentFiles {
  /** For messages. */
  readonly folder: string
  /** Every name in the folder. */
  list(): Promise<readonly string[]>
  /** An empty file for reading and writing; one of that name is emptied. */
  create(name: string): Promise<SegmentFile>
  open(name: string, mode: 'read' | 'write'): Promise<SegmentFile>
  /** Durable once resolved, and repeatable: a rename that has happened already succeeds. */
  rename(from: string, to: string): Promise<void>
  /** Succeeds also where there is no such file. */
  remove(name: string): Promise<void>
}

const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/**
 * O_DSYNC makes a write and its durability one system call. Only on Linux is it known to reach the disk
 * itself; elsewhere every write is followed by fsync, which Node.js makes a full flush on macOS.
 */
const WRITES_SYNC = process.platform === 'linux' && constants.O_DSYNC !== undefined

const openFile = promisify(open)
const closeFile = promisify(close)
const statFile = promisify(fstat)

/** A log's folder on disk. `durable: false` leaves writes in the page cache. */
export function diskSegmentFiles(
  folder: string,
  options: { readonly durable: boolean },
): SegmentFiles {
  const sync = options.durable && WRITES_SYNC ? constants.O_DSYNC : 0
  const fsyncs = options.durable && !WRITES_SYNC
  return {
    folder,
    list: () => readdir(folder),
    create: async (name) => {
      const flags = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | sync
      return diskFile(await openFile(join(folder, name), flags, FILE_MODE), fsyncs)
    },
    open: async (name, mode) => {
      const flags = mode === 'read' ? constants.O_RDONLY : constants.O_RDWR | sync
      return diskFile(await openFile(join(folder, name), flags), fsyncs)
    },
    rename: async (from, to) => {
      await rename(join(folder, from), join(folder, to)).catch(async (error: unknown) => {
        const renamedBefore = await stat(join(folder, to)).then(
          () =>
            stat(join(folder, from)).then(
              () => false,
              () => true,
            ),
          () => false,
        )
        if (!renamedBefore) throw error
      })
      await syncFolder(folder)
    },
    remove: async (name) => {
      await rm(join(folder, name), { force: true })
    },
  }
}

/** The files of a log that is only read: given by the path of its folder, or as they are. */
export const logFiles = (source: string | SegmentFiles): SegmentFiles =>
  typeof source === 'string' ? diskSegmentFiles(source, { durable: false }) : source

/** Makes the folder, readable by its owner alone, with its parents. */
export async function makeLogFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE })
  await syncFolder(join(folder, '..'))
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await openHandle(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function diskFile(fd: number, fsyncs: boolean): SegmentFile {
  return {
    sizeBytes: async () => (await statFile(fd)).size,
    read: (into, at) => readFully(fd, into, at),
    write: (bytes, length, at, done) => {
      writeFully(fd, { bytes, start: 0, end: length, at }, (error) => {
        if (error === null && fsyncs) fsync(fd, done)
        else done(error)
      })
    },
    close: () => closeFile(fd),
  }
}

function readFully(fd: number, into: Buffer, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const next = (filled: number): void => {
      read(fd, into, filled, into.length - filled, at + filled, (error, count) => {
        if (error !== null) reject(error)
        else if (count === 0 || filled + count === into.length) resolve(filled + count)
        else next(filled + count)
      })
    }
    next(0)
  })
}

interface PendingWrite {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  readonly at: number
}

/** The kernel may write less than asked: the rest follows, and an error then is an error of the whole. */
function writeFully(fd: number, pending: PendingWrite, done: (error: Error | null) => void): void {
  const { bytes, start, end, at } = pending
  write(fd, bytes, start, end - start, at, (error, count) => {
    if (error !== null) done(error)
    else if (count === 0) done(new Error('the disk took no more bytes'))
    else if (count === end - start) done(null)
    else writeFully(fd, { bytes, start: start + count, end, at: at + count }, done)
  })
}

/** `write` as a promise, for where speed does not matter. */
export function writeAt(file: SegmentFile, bytes: Buffer, at: number): Promise<void> {
  return new Promise((resolve, reject) => {
    file.write(bytes, bytes.length, at, (error) => {
      if (error === null) resolve()
      else reject(error)
    })
  })
}
