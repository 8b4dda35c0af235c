import { OperatorError } from '../core/errors.ts'
import type { Random } from '../core/ports.ts'
import type { Secret } from '../core/secret.ts'
import { CUSTODY_KEY_BYTES } from './custody-keys.ts'
import type { KeyFileEntry } from './key-file.ts'
import { decodeKeyFile, encodeKeyFile, KEY_FILE_ENTRIES_MAX } from './key-file.ts'
import type { KeyFileDisk } from './key-file-disk.ts'
import { isErrno, localDisk } from './key-file-disk.ts'
import type { Seal, SealedRootKey, SealRecord } from './seal.ts'
import { CUSTODY_KEY_ID_BYTES } from './wrapping.ts'

const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']

/** Where the key file is and what the seal needs. */
export interface KeyfileSealOptions {
  readonly path: string
  readonly random: Random
  /** Told in one sentence when the file can be read by others than its owner. */
  readonly onWarning: (message: string) => void
  /** The machine's file system if absent. */
  readonly disk?: KeyFileDisk
}

/**
 * The root key in a file of mode 0600. Each change is durable once resolved, and a crash at any step
 * leaves a file that opens.
 * **Source:** docs/formats/custody.md, The key file.
 */
export const keyfileSeal = (options: KeyfileSealOptions): Seal => ({
  kind: 'keyfile',
  location: options.path,
  create: () => create(options),
  open: (record) => open(options, record),
  prepareNext: (current) => prepareNext(options, current),
  settle: (rootKeyId) => settle(options, rootKeyId),
})

async function create(options: KeyfileSealOptions): Promise<SealedRootKey> {
  const found = await readEntries(options)
  if (found === undefined) {
    const entry = makeEntry(options)
    await writeFirst(options, entry)
    return sealed(entry)
  }
  // An interrupted first start has left only new entries. Which one is taken does not matter then.
  const last = found.at(-1)
  if (last !== undefined && found.every((entry) => entry.status === 'new')) {
    wipe(found.slice(0, -1))
    return sealed(last)
  }
  wipe(found)
  throw new OperatorError(
    `the key file ${options.path} belongs to another store, but this store is empty`,
    'name the data folder of that store with --data, or another place for a new key file with --keyfile',
  )
}

async function open(options: KeyfileSealOptions, { rootKeyId }: SealRecord): Promise<Secret> {
  const { path } = options
  const entries = await readEntries(options)
  if (entries === undefined) {
    throw new OperatorError(
      `the key file ${path} is missing; the store is sealed with root key ${rootKeyId}`,
      'put it back from its backup, or say with --keyfile where it is; without it the store cannot be opened',
    )
  }
  const match = entries.find((entry) => entry.rootKeyId === rootKeyId)
  wipe(entries.filter((entry) => entry !== match))
  if (match !== undefined) return match.rootKey
  const ids = entries.map((entry) => entry.rootKeyId).join(', ')
  throw new OperatorError(
    `the key file ${path} is of another store: it holds root key ${ids}, this store is sealed with root key ${rootKeyId}`,
    'say with --keyfile where the key file of this store is',
  )
}

async function prepareNext(
  options: KeyfileSealOptions,
  current: SealRecord,
): Promise<SealedRootKey> {
  // Refuses a file that was swapped since the start: settling would wipe the root key of its store.
  using _ = await open(options, current)
  const entries = (await readEntries(options)) ?? []
  const next = makeEntry(options)
  try {
    if (entries.length >= KEY_FILE_ENTRIES_MAX) {
      throw new OperatorError(
        `the key file ${options.path} holds ${entries.length} root keys of unfinished rotations`,
        'restart the server: a start removes those that the store does not name',
      )
    }
    await replace(options, [...entries, next])
  } finally {
    wipe(entries)
  }
  return sealed(next)
}

async function settle(options: KeyfileSealOptions, rootKeyId: string): Promise<boolean> {
  const entries = (await readEntries(options)) ?? []
  try {
    const match = entries.find((entry) => entry.rootKeyId === rootKeyId)
    if (match === undefined) return false
    if (entries.length === 1 && match.status === 'current') {
      await removeTemporary(options)
      return false
    }
    await replace(options, [{ ...match, status: 'current' }])
    return true
  } finally {
    wipe(entries)
  }
}

const makeEntry = ({ random }: KeyfileSealOptions): KeyFileEntry => ({
  rootKeyId: Buffer.from(random.bytes(CUSTODY_KEY_ID_BYTES)).toString('hex'),
  status: 'new',
  rootKey: random.secret(CUSTODY_KEY_BYTES),
})

const sealed = ({ rootKeyId, rootKey }: KeyFileEntry): SealedRootKey => ({
  record: { kind: 'keyfile', rootKeyId },
  rootKey,
})

function wipe(entries: readonly KeyFileEntry[]): void {
  for (const { rootKey } of entries) rootKey[Symbol.dispose]()
}

async function readEntries({
  path,
  onWarning,
  disk = localDisk,
}: KeyfileSealOptions): Promise<readonly KeyFileEntry[] | undefined> {
  const file = await onDisk('read', path, () => disk.read(path))
  if (file === undefined) return undefined
  using contents = file.contents
  const entries = decodeKeyFile(contents, path)
  // Lent to a group for reading is how a file of root's reaches the node; who else is in the group is root's matter.
  if ((file.mode & (file.isLent === true ? 0o037 : 0o077)) !== 0) {
    onWarning(
      `the key file ${path} has mode 0${file.mode.toString(8)}: others than its owner may use it; chmod 600 it`,
    )
  }
  return entries
}

/** Never replaces a file: linking fails if the name was taken meanwhile. */
async function writeFirst(
  { path, disk = localDisk }: KeyfileSealOptions,
  entry: KeyFileEntry,
): Promise<void> {
  const temporary = `${path}.tmp`
  using contents = encodeKeyFile([entry])
  await onDisk('write', path, async () => {
    await disk.remove(temporary)
    await disk.write(temporary, contents)
    await linkOrRename(disk, temporary, path)
    await disk.syncFolderOf(path)
    await disk.remove(temporary)
  })
}

/** Some file systems (FAT, some network shares) have no links; there the check for the name was the caller's. */
async function linkOrRename(disk: KeyFileDisk, from: string, to: string): Promise<void> {
  try {
    await disk.link(from, to)
  } catch (error) {
    if (!NO_LINKS.some((code) => isErrno(error, code))) throw error
    await disk.rename(from, to)
  }
}

async function replace(
  { path, disk = localDisk }: KeyfileSealOptions,
  entries: readonly KeyFileEntry[],
): Promise<void> {
  using contents = encodeKeyFile(entries)
  await onDisk('write', path, async () => {
    const target = await disk.resolve(path)
    const temporary = `${target}.tmp`
    await disk.remove(temporary)
    await disk.write(temporary, contents)
    await disk.rename(temporary, target)
    await disk.syncFolderOf(target)
  })
}

/** A crash may have left a temporary file with root keys in it. */
async function removeTemporary({ path, disk = localDisk }: KeyfileSealOptions): Promise<void> {
  await onDisk('write', path, async () => disk.remove(`${await disk.resolve(path)}.tmp`))
}

async function onDisk<T>(verb: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    let hint: string | undefined
    if (isErrno(cause, 'EACCES')) {
      hint = 'the account that runs Strongroom must own the file and its folder'
    }
    if (isErrno(cause, 'ENOENT')) hint = 'its folder must exist'
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new OperatorError(`cannot ${verb} the key file ${path}: ${reason}`, hint, { cause })
  }
}
