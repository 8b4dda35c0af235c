import type { Stats } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

const FILE_MODE = 0o600
const LINE_BREAK = 0x0a

/**
 * A file of lines that only grows. A file that was moved away is begun anew, so that it may be rotated from
 * outside. A line that a crash cut off is ended by a line break, and stays.
 */
export class AppendedFile {
  readonly #path: string
  #file: FileHandle | undefined
  #opened: Stats | undefined

  constructor(path: string) {
    this.#path = path
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
      await endLastLine(file)
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

async function endLastLine(file: FileHandle): Promise<void> {
  const { size } = await file.stat()
  if (size === 0) return
  const last = Buffer.alloc(1)
  await file.read(last, 0, 1, size - 1)
  if (last[0] !== LINE_BREAK) await file.appendFile('\n')
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
