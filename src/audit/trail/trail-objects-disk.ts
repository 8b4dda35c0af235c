import { hash } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { assert } from '../../core/assert.ts'
import { instant } from '../../core/ids.ts'
import { accountOfBucket, bucketOf, SIGNATURE_ALGORITHM, signatureFileOf } from './trail-format.ts'
import type {
  TrailObject,
  TrailObjectInfo,
  TrailObjectQuery,
  TrailObjects,
} from './trail-objects.ts'

const FILE_MODE = 0o600
const FOLDER_MODE = 0o700
/** Longer than any key that CloudTrail's layout gives. */
const KEY_MAX = 1024
/** Parts that begin with a dot are ours: files on their way. */
const KEY = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+$/
const ACCOUNT = /^\d{12}$/
/** How many ETags are remembered, so that listing does not read every file each time. */
const ETAGS_MAX = 20_000
const SIGNATURE_SUFFIX = signatureFileOf('')

/** Whether a key can name an object: nothing that it could say leads out of its bucket. */
const isKey = (key: string): boolean =>
  key.length <= KEY_MAX && KEY.test(key) && !key.endsWith(SIGNATURE_SUFFIX)

const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')

/** Undefined where there is nothing of that name. */
const ifThere = <T>(read: Promise<T>): Promise<T | undefined> =>
  read.catch((error: unknown) => {
    if (isAbsent(error)) return undefined
    throw error
  })

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

// A folder's name sorts as the keys in it do: with the slash behind it.
const sortName = (entry: Dirent): string => (entry.isDirectory() ? `${entry.name}/` : entry.name)

/** What a directory holds, in the order of the keys below it. */
async function entriesOf(path: string): Promise<Dirent[]> {
  const entries = (await ifThere(readdir(path, { withFileTypes: true }))) ?? []
  return entries
    .filter(({ name }) => !name.startsWith('.') && !name.endsWith(SIGNATURE_SUFFIX))
    .sort((a, b) => (sortName(a) < sortName(b) ? -1 : 1))
}

/**
 * The trail in a folder: `<folder>/<bucket>/<key>`, the signature of a digest beside it in `<key>.sig`. Files are their
 * owner's alone. Only one process writes to it.
 */
export function diskTrailObjects(folder: string): TrailObjects {
  return new DiskTrailObjects(folder)
}

class DiskTrailObjects implements TrailObjects {
  readonly #folder: string
  /** Folders that are there, durably. */
  readonly #made = new Set<string>()
  /** By path; the oldest first. */
  readonly #etags = new Map<string, { readonly stamp: string; readonly etag: string }>()

  constructor(folder: string) {
    this.#folder = folder
  }

  async put(
    accountId: string,
    { key, body, metadata, modifiedAt }: Parameters<TrailObjects['put']>[1],
  ): Promise<void> {
    assert(ACCOUNT.test(accountId) && isKey(key), `${key} is no key of a trail`)
    const path = this.#path(accountId, key)
    await this.#makeFolder(dirname(path))
    const { signature } = metadata
    // First, so that no digest is ever seen without its signature.
    if (signature !== undefined) {
      await writeWhole(signatureFileOf(path), Buffer.from(`${signature}\n`))
      await syncFolder(dirname(path))
    }
    await writeWhole(path, body, new Date(modifiedAt))
    if (signature === undefined) await rm(signatureFileOf(path), { force: true })
    await syncFolder(dirname(path))
  }

  async get(accountId: string, key: string): Promise<TrailObject | undefined> {
    if (!ACCOUNT.test(accountId) || !isKey(key)) return undefined
    const path = this.#path(accountId, key)
    const info = await ifThere(stat(path))
    if (info === undefined || !info.isFile()) return undefined
    const body = await ifThere(readFile(path))
    if (body === undefined) return undefined
    const signature = await ifThere(readFile(signatureFileOf(path), 'latin1'))
    return {
      key,
      body,
      sizeBytes: body.length,
      modifiedAt: instant(Math.round(info.mtimeMs)),
      etag: hash('md5', body, 'hex'),
      metadata:
        signature === undefined
          ? {}
          : { signature: signature.trim(), 'signature-algorithm': SIGNATURE_ALGORITHM },
    }
  }

  async list(accountId: string, query: TrailObjectQuery): Promise<readonly TrailObjectInfo[]> {
    const found: TrailObjectInfo[] = []
    if (ACCOUNT.test(accountId)) await this.#walk(accountId, '', query, found)
    return found
  }

  async remove(accountId: string, key: string): Promise<void> {
    if (!ACCOUNT.test(accountId) || !isKey(key)) return
    const path = this.#path(accountId, key)
    // The other way round a crash would leave a digest without its signature.
    await rm(path, { force: true })
    await rm(signatureFileOf(path), { force: true })
    await ifThere(syncFolder(dirname(path)))
    this.#made.clear()
    await this.#removeEmpty(dirname(path), join(this.#folder, bucketOf(accountId)))
  }

  async accounts(): Promise<readonly string[]> {
    const names = (await ifThere(readdir(this.#folder))) ?? []
    return names
      .map(accountOfBucket)
      .filter((accountId) => accountId !== undefined)
      .sort()
  }

  #path(accountId: string, key: string): string {
    return join(this.#folder, bucketOf(accountId), key)
  }

  /** Each new folder is on disk, in its parent, before anything is put into it. */
  async #makeFolder(path: string): Promise<void> {
    if (this.#made.has(path)) return
    const first = await mkdir(path, { recursive: true, mode: FOLDER_MODE })
    if (first !== undefined) {
      for (let made = path; made.length >= first.length; made = dirname(made)) {
        await syncFolder(dirname(made))
      }
    }
    this.#made.add(path)
  }

  async #removeEmpty(path: string, bucket: string): Promise<void> {
    for (let at = path; at.startsWith(bucket); at = dirname(at)) {
      const removed = await rmdir(at).then(
        () => true,
        () => false,
      )
      if (!removed) return
    }
  }

  /** Adds what the query asks for of the keys that begin with `above`; `above` is empty or ends with a slash. */
  async #walk(
    accountId: string,
    above: string,
    query: TrailObjectQuery,
    found: TrailObjectInfo[],
  ): Promise<void> {
    const { prefix, after = '', limit } = query
    const folder = join(this.#folder, bucketOf(accountId), above)
    for (const entry of await entriesOf(folder)) {
      if (found.length >= limit) return
      const key = `${above}${entry.name}`
      if (entry.isDirectory()) {
        const below = `${key}/`
        const isInPrefix = below.startsWith(prefix) || prefix.startsWith(below)
        const isBehind = below > after || after.startsWith(below)
        if (isInPrefix && isBehind) await this.#walk(accountId, below, query, found)
      } else if (entry.isFile() && key.startsWith(prefix) && key > after) {
        const info = await this.#describe(accountId, key)
        if (info !== undefined) found.push(info)
      }
    }
  }

  async #describe(accountId: string, key: string): Promise<TrailObjectInfo | undefined> {
    const path = this.#path(accountId, key)
    const info = await ifThere(stat(path))
    if (info === undefined) return undefined
    const stamp = `${info.ino} ${info.size} ${info.mtimeMs} ${info.ctimeMs}`
    const known = this.#etags.get(path)
    const modifiedAt = instant(Math.round(info.mtimeMs))
    const described = { key, sizeBytes: info.size, modifiedAt }
    if (known?.stamp === stamp) return { ...described, etag: known.etag }
    const body = await ifThere(readFile(path))
    if (body === undefined) return undefined
    const etag = hash('md5', body, 'hex')
    this.#etags.delete(path)
    this.#etags.set(path, { stamp, etag })
    if (this.#etags.size > ETAGS_MAX) {
      const [oldest] = this.#etags.keys()
      if (oldest !== undefined) this.#etags.delete(oldest)
    }
    return { ...described, etag }
  }
}

/** The whole file or the old one, durable but for the folder. */
async function writeWhole(path: string, bytes: Uint8Array, modifiedAt?: Date): Promise<void> {
  const draft = join(dirname(path), `.${path.slice(dirname(path).length + 1)}.new`)
  const file = await open(draft, 'w', FILE_MODE)
  try {
    await file.writeFile(bytes)
    if (modifiedAt !== undefined) await utimes(draft, modifiedAt, modifiedAt)
    await file.sync()
  } catch (error) {
    await file.close()
    // A disk that is full has better use for the room.
    await rm(draft, { force: true })
    throw error
  }
  await file.close()
  await rename(draft, path)
}
