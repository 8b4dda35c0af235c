import { existsSync, rmdirSync } from 'node:fs'
import { type FolderLock, lockFolder } from '../../storage/folder-lock.ts'
import { makeFolder, type NodeFolder, nodeFolder, workerFolders, workersIn } from './node-folder.ts'

/**
 * Locks what a process needs for itself. A worker takes its own folder: whoever started it has locked the store for all
 * workers. Any other process on an embedded store takes that lock as well, and begins only when no worker is left.
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
    if (mainFolder !== path) others.push(lockFolder(mainFolder))
    const workers = workersIn(mainFolder)
    if (existsSync(workers)) {
      others.push(lockFolder(workers))
      // Those whose supervisor was killed take a while to end.
      for (const worker of workerFolders(mainFolder)) {
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

/**
 * Locks the embedded store of a data folder for the workers that are about to be started. A start that fails leaves
 * nothing behind (`releaseAndRemove`).
 * @throws {OperatorError} when another process has it, or the folder cannot be made
 */
export function lockWorkers(dataFolder: string): FolderLock {
  const folder = nodeFolder({ dataFolder, store: undefined, keyfile: undefined })
  const madeFolder = makeFolder(folder)
  const workers = workersIn(folder.path)
  const madeWorkers = makeFolder({ ...folder, path: workers })
  const lock = lockFolder(workers)
  return {
    release: () => lock.release(),
    releaseAndRemove() {
      if (!madeWorkers) return lock.release()
      lock.releaseAndRemove()
      removeIfEmpty(workers)
      if (madeFolder) removeIfEmpty(folder.path)
    },
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
