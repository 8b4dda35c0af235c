import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

export interface TrailEntry {
  readonly name: string
  readonly isFolder: boolean
}

/** Files that are only read: a trail, wherever it was copied to. Paths have `/` on every system. */
export interface TrailCopy {
  /** For messages. */
  readonly folder: string
  /** What stands in a folder, by name; empty where there is no such folder. `''` is the copy itself. */
  entries(path: string): Promise<readonly TrailEntry[]>
  /** Undefined where there is no such file, it is none of plain bytes, or larger than one of a trail can be. */
  read(path: string): Promise<Buffer | undefined>
}

/** Compressed. A log file of a node has a hundredth of it. */
const FILE_BYTES_MAX = 2 ** 28

const ABSENT = ['ENOENT', 'ENOTDIR', 'EISDIR']

/** Also for what stands in the way of a file: it is absent. */
function undefinedIfAbsent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && ABSENT.includes(String(error.code)))
    return undefined
  throw error
}

/** A folder on disk. */
export function diskTrailCopy(folder: string): TrailCopy {
  return {
    folder,
    entries: async (path) => {
      const found = await readdir(join(folder, path), { withFileTypes: true }).catch(
        undefinedIfAbsent,
      )
      const entries = (found ?? []).map((entry) => ({
        name: entry.name,
        isFolder: entry.isDirectory(),
      }))
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    read: async (path) => {
      const file = join(folder, path)
      const found = await stat(file).catch(undefinedIfAbsent)
      // A device or a pipe, to which a link in a copy may point, never ends.
      if (found?.isFile() !== true || found.size > FILE_BYTES_MAX) return undefined
      return readFile(file).catch(undefinedIfAbsent)
    },
  }
}

/** Where `prefix` stands in front of every path of a copy: a bucket in a folder of several. */
export const copyBelow = (copy: TrailCopy, prefix: string): TrailCopy => ({
  folder: copy.folder,
  entries: (path) => copy.entries(path === '' ? prefix.slice(0, -1) : prefix + path),
  read: (path) => copy.read(prefix + path),
})

const joined = (folder: string, name: string): string =>
  folder === '' ? name : `${folder}/${name}`

/** Of names with a dot in front: files that are on their way, and what file managers leave. */
export const isHidden = (name: string): boolean => name.startsWith('.')

/** The paths of all files in a folder and below it, in the order of their names, without hidden ones. */
export async function* filesBelow(
  copy: TrailCopy,
  folder: string,
): AsyncGenerator<string, void, undefined> {
  for (const { name, isFolder } of await copy.entries(folder)) {
    const path = joined(folder, name)
    if (isHidden(name)) continue
    if (isFolder) yield* filesBelow(copy, path)
    else yield path
  }
}
