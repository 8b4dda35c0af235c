import { existsSync } from 'node:fs'
import { OperatorError } from '../../core/errors.ts'
import type { Clock, Log } from '../../core/ports.ts'
import type { HeldSetting, OutboxEntry, RowStore } from '../../core/store.ts'
import { TABLES } from '../../core/tables.ts'
import {
  type EmbeddedStoreOptions,
  openEmbeddedStore,
} from '../../storage/embedded/embedded-store.ts'
import type { Neighbour } from '../../storage/neighbours.ts'
import type { NodeMail } from '../../storage/postgres/node-mail.ts'
import { workerLink } from '../workers/worker-link.ts'
import type { Freshness } from './fresh-handler.ts'
import type { NodeFolder } from './node-folder.ts'
import { WorkerOutboxes } from './worker-outboxes.ts'

/** The store of a node, wherever it is. */
export interface NodeStore {
  readonly rows: RowStore
  /** `embedded` or `PostgreSQL`. */
  readonly kind: string
  /** A file, or a URL without its password. */
  readonly location: string
  /** The number of the newest migration. */
  readonly schemaVersion: number
  /** Absent where the store is this node's alone: then it knows of every change. */
  readonly freshness?: Freshness | undefined
  /** The other nodes that use the store, or have used it; absent where it is this node's alone. */
  readonly neighbours?: (() => Promise<readonly Neighbour[]>) | undefined
  /** Reaches them; absent where there are none. */
  readonly mail?: NodeMail | undefined
  /** See `PostgresStore.adoptOutboxes`, `WorkerOutboxes.adopt`. */
  readonly adoptOutboxes?: (() => Promise<readonly OutboxEntry[]>) | undefined
}

/** Told of audit frames of changes that turned out to have happened when nobody expected them any more. */
export type OnLateCommit = (entries: readonly OutboxEntry[]) => void

export interface StoreParts {
  readonly clock: Clock
  /** What this process holds of the store; absent where it changes nothing under it. */
  readonly held?: HeldSetting | undefined
  readonly log: Log
  /** Whether other processes of this machine work on the same file: see `startWorkers`. */
  readonly isWorker: boolean
  readonly onLateCommit: OnLateCommit
  /** Told when all that was cached has been dropped; see `PostgresStore`. */
  readonly onForgotten: () => void
  /** Told when this process can never again serve from the store. */
  readonly onEnd: (error: Error) => void
  /** Told of each commit, for metrics. */
  readonly onCommitted: EmbeddedStoreOptions['onCommitted']
}

const schemas = () => TABLES.map(({ schema }) => schema)

// The driver is loaded by those who need it: a start on the embedded store does not wait for it.
const postgres = () => import('../../storage/postgres/postgres-store.ts')

/**
 * Opens the store that the folder's options name: the file in the folder, or a database.
 * @param nodeId the node's id, asked for only where several nodes share the store
 * @throws {OperatorError} where it cannot be opened, or is another program's
 */
export async function openNodeStore(
  folder: NodeFolder,
  nodeId: () => string,
  parts: StoreParts,
): Promise<NodeStore> {
  const { database } = folder
  const { clock, held, onLateCommit, onForgotten, onEnd, onCommitted } = parts
  if (database === undefined) return openFile(folder, nodeId, parts)
  const { openPostgresStore } = await postgres()
  const rows = await openPostgresStore({
    address: database,
    tables: schemas(),
    nodeId: nodeId(),
    held,
    wall: () => clock.now(),
    onLateCommit,
    onForgotten,
    onEnd,
    onCommitted,
  })
  return {
    rows,
    kind: 'PostgreSQL',
    location: database.label,
    schemaVersion: rows.schemaVersion,
    freshness: rows.lease,
    neighbours: () => rows.neighbours(),
    mail: rows.mail,
    adoptOutboxes: () => rows.adoptOutboxes(),
  }
}

async function openFile(
  folder: NodeFolder,
  nodeId: () => string,
  { log, isWorker, held, onForgotten, onEnd, onCommitted }: StoreParts,
): Promise<NodeStore> {
  const { storeFile: file, path, mainFolder } = folder
  const link = workerLink()
  const rows = await openEmbeddedStore({
    file,
    tables: schemas(),
    onCommitted,
    ...(path !== mainFolder && { nodeId: nodeId() }),
    ...(isWorker && {
      sharing: {
        held,
        onForgotten,
        onEnd,
        onTrouble: (error) => log.error({}, NOT_READ, error),
        onSyncFailure: () => link?.tellSyncFailure(),
      },
    }),
  })
  link?.onSyncFailure(() => rows.giveUpWriting())
  const others = new WorkerOutboxes({ folder, rows, isAlone: !isWorker })
  return {
    rows,
    kind: 'embedded',
    location: file,
    schemaVersion: rows.schemaVersion,
    freshness: rows.freshness,
    ...(isWorker && { neighbours: () => others.neighbours() }),
    adoptOutboxes: () => others.adopt(),
  }
}

const NOT_READ =
  'the store cannot be read: nothing is served until it can, because what other workers change would not be known here'

/**
 * For what may be done only while no other node uses the store.
 * @param why said of the nodes that do, behind their ids
 * @throws {OperatorError} which names them
 */
export async function assertNoNeighbours(
  { neighbours }: Pick<NodeStore, 'neighbours'>,
  why: string,
  hint: string,
): Promise<void> {
  const live = ((await neighbours?.()) ?? []).filter(({ isLive }) => isLive)
  if (live.length === 0) return
  const ids = live.map(({ nodeId }) => nodeId).join(', ')
  const who = live.length === 1 ? `the node ${ids} uses` : `the nodes ${ids} use`
  throw new OperatorError(`${who} the store as well${why}`, hint)
}

/** Opens the store beside the node that may be running on it; undefined where there is no file. */
export async function openStoreForReading({
  storeFile,
  database,
}: NodeFolder): Promise<RowStore | undefined> {
  if (database !== undefined) {
    const { openPostgresStore } = await postgres()
    return openPostgresStore({ address: database, tables: schemas(), readOnly: true })
  }
  if (!existsSync(storeFile)) return undefined
  return openEmbeddedStore({ file: storeFile, tables: schemas(), readOnly: true })
}
