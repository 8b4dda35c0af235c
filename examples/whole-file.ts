import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Writes `source` to `path` so that `path` is there with all of it, on stable storage, or not at all:
 * under another name first, synced, then renamed. Nobody reads half a file, and nothing decrypted is
 * left behind when the last chunk turns out to be forged. The mode is 0600.
 */
export async function writeWholeFile(
  path: string,
  source: AsyncIterable<Uint8Array>,
): Promise<void> {
  const partial = `${path}.${process.pid}.partial`
  try {
    const file = await open(partial, 'wx', 0o600)
    try {
      await file.writeFile(source)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(partial, path)
  } catch (cause) {
    await rm(partial, { force: true })
    throw cause
  }
  const folder = await open(dirname(path))
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
