import { findOutboxIds } from '../../audit/segments/outbox-search.ts'
import type { OutboxEntry } from '../../core/store.ts'
import type { EmbeddedStore } from '../../storage/embedded/embedded-store.ts'
import { tryLockFolder } from '../../storage/folder-lock.ts'
import { type Neighbour, SilentNodes } from '../../storage/neighbours.ts'
import { type NodeFolder, nodeFolder, workerFolders } from './node-folder.ts'
import { findNodeId } from './node-id.ts'

/** How long a worker is silent before its audit frames are taken over: far longer than it takes to start it again. */
const ADOPT_AFTER_MS = 600_000

export interface WorkerOutboxesParts {
  readonly folder: NodeFolder
  readonly rows: Pick<EmbeddedStore, 'foreignOutboxes' | 'foreignOutbox' | 'adoptOutbox'>
  /** Whether this process has locked out all others: see `lockNode`. */
  readonly isAlone: boolean
}

/** The other nodes of an embedded store, which are the workers of its data folder, and what they have left in it. */
export class WorkerOutboxes {
  readonly #parts: WorkerOutboxesParts
  readonly #silent: SilentNodes

  constructor(parts: WorkerOutboxesParts) {
    this.#parts = parts
    this.#silent = new SilentNodes(() => performance.now(), parts.isAlone ? 0 : ADOPT_AFTER_MS)
  }

  /** Those of which there is a folder. */
  neighbours(): Promise<readonly Neighbour[]> {
    const { folder, rows } = this.#parts
    const outboxes = new Map(rows.foreignOutboxes().map((outbox) => [outbox.nodeId, outbox]))
    const { mainFolder, path } = folder
    const folders = [mainFolder, ...workerFolders(mainFolder)].filter((one) => one !== path)
    const found = folders.flatMap((one): Neighbour[] => {
      const nodeId = nodeIdIn(one)
      if (nodeId === undefined) return []
      const outbox = outboxes.get(one === mainFolder ? null : nodeId)
      const { frames = 0, newest: renewal = 0 } = outbox ?? {}
      return [{ nodeId, isLive: this.#isHeld(one), renewal, frames }]
    })
    return Promise.resolve(found)
  }

  /**
   * Takes over the audit frames of workers that are gone, for the log of the data folder's own node. What is in the
   * log of such a worker already is only forgotten.
   * @returns the frames under their new ids, in this node's outbox
   */
  async adopt(): Promise<readonly OutboxEntry[]> {
    const { folder, rows } = this.#parts
    if (folder.path !== folder.mainFolder) return []
    const outboxes = rows
      .foreignOutboxes()
      .flatMap(({ nodeId, frames, newest: renewal }) =>
        nodeId === null ? [] : [{ nodeId, frames, renewal }],
      )
    const adopted: OutboxEntry[] = []
    for (const nodeId of this.#silent.find(outboxes)) adopted.push(...(await this.#adopt(nodeId)))
    return adopted
  }

  async #adopt(nodeId: string): Promise<readonly OutboxEntry[]> {
    const { folder, rows } = this.#parts
    const home = workerFolders(folder.path).find((one) => nodeIdIn(one) === nodeId)
    // Somebody has removed its folder, and its log with it.
    if (home === undefined) return rows.adoptOutbox(nodeId, new Set())
    // While the lock is held, the worker cannot be started.
    const lock = tryLockFolder(home)
    if (lock === undefined) {
      this.#silent.heardOf(nodeId)
      return []
    }
    try {
      const ids = rows.foreignOutbox(nodeId).map(({ id }) => id)
      const { auditFolder } = folderOf(home)
      const isDelivered = await findOutboxIds(auditFolder, ids, { acceptDamage: true })
      return await rows.adoptOutbox(nodeId, isDelivered)
    } finally {
      lock.release()
    }
  }

  #isHeld(path: string): boolean {
    if (this.#parts.isAlone) return false
    const lock = tryLockFolder(path)
    lock?.release()
    return lock === undefined
  }
}

const folderOf = (dataFolder: string): NodeFolder =>
  nodeFolder({ dataFolder, store: undefined, keyfile: undefined })

const nodeIdIn = (path: string): string | undefined => findNodeId(folderOf(path))
