import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { OperatorError } from '../../core/errors.ts'
import { hasLockFile } from '../../storage/folder-lock.ts'
import {
  isPostgresUrl,
  type PostgresAddress,
  parsePostgresUrl,
} from '../../storage/postgres/postgres-url.ts'

/** Where the files of one node are. Everything in the folder is its owner's alone. */
export interface NodeFolder {
  readonly path: string
  /** The folder that this one is in, where it is that of a worker on an embedded store; else the same. */
  readonly mainFolder: string
  /** The embedded store; not used where there is a `database`. */
  readonly storeFile: string
  /** The store that several nodes share. */
  readonly database: PostgresAddress | undefined
  readonly keyfile: string
  readonly auditFolder: string
  /** Log files and digests, one folder for each bucket. */
  readonly trailFolder: string
  /** The index of the audit log: thrown away and made again at will. */
  readonly auditIndexFile: string
  readonly credentialsFile: string
  readonly operatorSocket: string
  readonly nodeIdFile: string
  readonly caFile: string
}

/** The places of a node's files; nothing is made yet. */
export function nodeFolder(options: {
  readonly dataFolder: string
  readonly store: string | undefined
  readonly keyfile: string | undefined
}): NodeFolder {
  const path = resolve(options.dataFolder)
  const database =
    options.store !== undefined && isPostgresUrl(options.store)
      ? parsePostgresUrl(options.store)
      : undefined
  if (database === undefined && /^[a-z]+:\/\//.test(options.store ?? '')) {
    throw new OperatorError(
      `the store ${options.store?.replace(/\/\/.*@/, '//…@')} is not supported`,
      'name a file or a postgres:// URL with --store, or leave it out',
    )
  }
  const mainFolder = database === undefined ? mainFolderOf(path) : path
  return {
    path,
    mainFolder,
    storeFile: resolve(
      database === undefined && options.store !== undefined
        ? options.store
        : join(mainFolder, 'strongroom.db'),
    ),
    database,
    keyfile: resolve(options.keyfile ?? join(mainFolder, 'root.key')),
    auditFolder: join(path, 'audit'),
    trailFolder: join(path, 'trail'),
    auditIndexFile: join(path, 'audit-index', 'index.db'),
    credentialsFile: join(path, 'root-credentials'),
    operatorSocket: join(path, 'operator.sock'),
    nodeIdFile: join(path, 'node-id'),
    caFile: join(path, 'ca.pem'),
  }
}

/** Where the folders of workers are, but for the first one's, which is the data folder itself. */
export const workersIn = (dataFolder: string): string => join(dataFolder, 'workers')

/** The folder of a worker: the first has the node's own, so that one process and several are the same to operators. */
export const workerFolder = (dataFolder: string, number: number): string =>
  number === 1 ? dataFolder : join(workersIn(dataFolder), String(number))

const WORKER_NAME = /^\d+$/

/** The folders that workers have had. */
export function workerFolders(dataFolder: string): readonly string[] {
  const workers = workersIn(dataFolder)
  if (!existsSync(workers)) return []
  return readdirSync(workers)
    .filter((name) => WORKER_NAME.test(name))
    .map((name) => join(workers, name))
}

/** Workers on an embedded store leave a lock beside their folders; see `lockWorkers`. */
function mainFolderOf(path: string): string {
  const workers = dirname(path)
  const isWorkers =
    WORKER_NAME.test(basename(path)) && basename(workers) === 'workers' && hasLockFile(workers)
  return isWorkers ? dirname(workers) : path
}

/**
 * Makes the folder, for its owner alone.
 * @returns whether there was none
 * @throws OperatorError
 */
export function makeFolder(folder: NodeFolder): boolean {
  assertNoFile(folder)
  try {
    return mkdirSync(folder.path, { recursive: true, mode: 0o700 }) !== undefined
  } catch (cause) {
    throw new OperatorError(
      `the data folder ${folder.path} cannot be made`,
      'choose another with --data',
      { cause },
    )
  }
}

/** @throws OperatorError where the folder's name is that of something else. */
export function assertNoFile({ path }: NodeFolder): void {
  // A name below a file is found out when the folder is made.
  const isFile = statOf(path)?.isDirectory() === false
  if (isFile) throw new OperatorError(`${path} is not a folder`, 'name a data folder with --data')
}

function statOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}
