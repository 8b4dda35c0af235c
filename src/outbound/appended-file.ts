import type { Stats } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

const FILE_MODE = 0o600
const LINE_BREAK = 0x0a
const PIECE_BYTES = 65_536

export interface AppendedFileOptions {
  /**
   * What becomes of a last line that a crash cut off: it is ended by a line break, and stays; or it is cut off whole, unless
   * the file lets nobody cut.
   */
  readonly torn: 'end' | 'cut'
}

/** A file of lines that only grows. A file that was moved away is begun anew, so that it may be rotated from outside. */
export class AppendedFile {
  readonly #path: string
  readonly #torn: AppendedFileOptions['torn']
  #file: FileHandle | undefined
  #opened: Stats | undefined

  constructor(path: string, options: AppendedFileOptions) {
    this.#path = path
    this.#torn = options.torn
  }

  /** Durable once resolved. */
  async append(lines: readonly string[]): Promise<void> {
    const file = await this.#current()
    await file.appendFile(`${lines.join('\n')}\n`)
    await file.datasync()
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  async #current(): Promise<FileHandle> {
    if (this.#file !== undefined && (await this.#isInPlace())) return this.#file
    await this.close()
    const file = await open(this.#path, 'a+', FILE_MODE)
    try {
      await mendLastLine(file, this.#torn)
      await syncFolder(dirname(this.#path))
      this.#opened = await file.stat()
    } catch (error) {
      await file.close()
      throw error
    }
    this.#file = file
    return file
  }

  async #isInPlace(): Promise<boolean> {
    const found = await stat(this.#path).catch(() => undefined)
    return found?.ino === this.#opened?.ino && found?.dev === this.#opened?.dev
  }
}

async function mendLastLine(file: FileHandle, torn: AppendedFileOptions['torn']): Promise<void> {
  const { size } = await file.stat()
  const end = await endOfLines(file, size)
  if (end === size) return
  const isCut =
    torn === 'cut' &&
    (await file.truncate(end).then(
      () => true,
      // A file to which can only be appended: better a line that is none than no more lines.
      () => false,
    ))
  if (!isCut) await file.appendFile('\n')
}

/** One past the last line break; 0 where there is none. */
async function endOfLines(file: FileHandle, size: number): Promise<number> {
  const piece = Buffer.alloc(PIECE_BYTES)
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - PIECE_BYTES)
    const { bytesRead } = await file.read(piece, 0, end - start, start)
    const at = piece.subarray(0, bytesRead).lastIndexOf(LINE_BREAK)
    if (at !== -1) return start + at + 1
    end = start
  }
  return 0
}

/** Makes durable that the file is there. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
