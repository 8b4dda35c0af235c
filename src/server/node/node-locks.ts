import { existsSync, rmdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { type FolderLock, hasLockFile, lockFolder } from '../../storage/folder-lock.ts'
import { makeFolder, type NodeFolder, nodeFolder, workerFolders, workersIn } from './node-folder.ts'

/**
 * Locks what a process needs for itself. A worker takes its own folder: whoever started it has locked the store for all
 * workers. Any other process on an embedded store takes that lock as well, and begins only when no worker is left. Where the store is in
 * the data folder of another node, that one's locks are taken, too: neither would know what the other changes.
 * @throws {OperatorError} when another process has one of them
 */
export function lockNode(folder: NodeFolder, isWorker: boolean): FolderLock {
  const { path, mainFolder, database } = folder
  if (isWorker || database !== undefined) return lockFolder(path)
  const own = lockFolder(path)
  const others: FolderLock[] = []
  const release = (): void => {
    for (const lock of [...others, own]) lock.release()
  }
  try {
    for (const home of [mainFolder, ...homeOfStore(folder)]) {
      if (home !== path) others.push(lockFolder(home))
      const workers = workersIn(home)
      if (!existsSync(workers)) continue
      others.push(lockFolder(workers))
      // Those whose supervisor was killed take a while to end.
      for (const worker of workerFolders(home)) {
        if (worker !== path) lockFolder(worker).release()
      }
    }
  } catch (error) {
    release()
    throw error
  }
  return {
    release,
    releaseAndRemove() {
      own.releaseAndRemove()
      release()
    },
  }
}

/** The data folder of another node, where the store file is in one. */
function homeOfStore({ storeFile, mainFolder }: NodeFolder): readonly string[] {
  const home = dirname(storeFile)
  if (home === mainFolder || !hasLockFile(home)) return []
  const { nodeIdFile } = nodeFolder({ dataFolder: home, store: undefined, keyfile: undefined })
  return existsSync(nodeIdFile) ? [home] : []
}

/**
 * Locks the embedded store of a data folder for the workers that are about to be started. A start that fails leaves
 * nothing behind (`releaseAndRemove`).
 * @throws {OperatorError} when another process has it, or the folder cannot be made
 */
export function lockWorkers(dataFolder: string, store?: string): FolderLock {
  const folder = nodeFolder({ dataFolder, store, keyfile: undefined })
  const madeFolder = makeFolder(folder)
  const workers = workersIn(folder.path)
  const madeWorkers = makeFolder({ ...folder, path: workers })
  const lock = lockFolder(workers)
  const undo = (): void => {
    if (!madeWorkers) return lock.release()
    lock.releaseAndRemove()
    removeIfEmpty(workers)
    if (madeFolder) removeIfEmpty(folder.path)
  }
  try {
    const homes = homeOfStore(folder).map((home) => lockFolder(home))
    const freeHomes = (): void => homes.forEach((home) => home.release())
    return {
      release() {
        freeHomes()
        lock.release()
      },
      releaseAndRemove() {
        freeHomes()
        undo()
      },
    }
  } catch (error) {
    undo()
    throw error
  }
}

/** What is in it is somebody's: a worker that had come far before it failed. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // It stays.
  }
}
