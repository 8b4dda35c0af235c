import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** File systems of a test's own. Mounting needs root; where it is refused the tests say so. */

const mounts: string[] = []
const folders: string[] = []

/** Runs a command of the system; whether it succeeded. */
const ran = (command: string, ...args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0

/** Lets go of every mount and folder, in the reverse of their order. */
export function letGoOfDisks(): void {
  for (const path of mounts.splice(0).toReversed()) ran('umount', '-l', path)
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true })
}
process.on('exit', letGoOfDisks)

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-disk-'))
  folders.push(folder)
  return folder
}

function mounted(path: string, ...args: readonly string[]): boolean {
  const done = ran('mount', ...args, path)
  if (done) mounts.push(path)
  return done
}

/** A file system in memory of so many bytes, mounted in a new folder. */
export function memoryDisk(sizeBytes: number): string {
  const path = newFolder()
  assert.ok(mounted(path, '-t', 'tmpfs', '-o', `size=${sizeBytes},mode=700`, 'tmpfs'))
  return path
}

/** What a mounted file system can still take. Unit: bytes. */
export const roomOn = (path: string): number => {
  const { bavail, bsize } = statfsSync(path)
  return bavail * bsize
}

/** Fills a file system up to so many bytes. @returns what makes room again */
export function fillUp(path: string, leaveBytes: number): () => void {
  const ballast = join(path, 'ballast')
  try {
    writeFileSync(ballast, Buffer.alloc(Math.max(0, roomOn(path) - leaveBytes)))
  } catch (error) {
    // Somebody else was writing, too: then it is full as well.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  }
  return () => rmSync(ballast)
}

/** An ext4 file system on a file, which is its disk: what is not in that file, a power cut takes. */
export class FileDisk {
  readonly path: string
  readonly #image: string

  private constructor(path: string, image: string) {
    this.path = path
    this.#image = image
  }

  /** A new one. @param backing the folder of the file */
  static make(backing: string, sizeBytes: number): FileDisk {
    const image = join(backing, 'image')
    writeFileSync(image, '')
    truncateSync(image, sizeBytes)
    assert.ok(ran('mkfs.ext4', '-q', '-F', image))
    return FileDisk.#mount(image)
  }

  static #mount(image: string): FileDisk {
    const path = newFolder()
    assert.ok(mounted(path, '-o', 'loop', image))
    return new FileDisk(path, image)
  }

  /** The disk as it is at this moment, as if power had been cut, mounted anew. */
  afterPowerCut(backing: string): FileDisk {
    const image = join(backing, 'image-after')
    copyFileSync(this.#image, image)
    return FileDisk.#mount(image)
  }

  /** Makes the file system read-only, as the kernel does after an error; open files stay open. */
  failForGood(): void {
    assert.ok(ran('mount', '-i', '-o', 'remount,abort', this.path))
  }

  /** Takes it away from under nobody, and mounts it again, which mends it from its journal. */
  remounted(): FileDisk {
    this.unmount()
    return FileDisk.#mount(this.#image)
  }

  unmount(): void {
    assert.ok(ran('umount', this.path), `${this.path} is in use`)
    mounts.splice(mounts.indexOf(this.path), 1)
  }
}

/** Why tests with file systems of their own are skipped; false where they are not. */
export const noDisks: string | false = (() => {
  const path = newFolder()
  mkdirSync(path, { recursive: true })
  if (!mounted(path, '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs')) {
    return 'a file system of its own can only be mounted by root'
  }
  ran('umount', path)
  mounts.pop()
  return false
})()

/** As `noDisks`, for `FileDisk`. */
export const noFileDisks: string | false = (() => {
  if (noDisks !== false) return noDisks
  try {
    FileDisk.make(newFolder(), 4 * 2 ** 20).unmount()
    return false
  } catch {
    return 'needs mkfs.ext4 and loop devices'
  }
})()
