import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { OperatorError } from '../core/errors.ts'
import type { Clock, Random } from '../core/ports.ts'
import type {
  OthersEntry,
  OutboxEntry,
  Row,
  RowSnapshot,
  RowStore,
  TableSchema,
} from '../core/store.ts'
import type { BackupEntry, BackupTotals, Canary } from './backup-entries.ts'
import { type BackupKeys, encodeBackup } from './backup-file.ts'

/** Rows read at a time. The embedded store reads synchronously: between two pages calls are served. */
const PAGE_ROWS = 200
const OUTBOX_PAGE = 1000
const FILE_MODE = 0o600

export interface BackupSource {
  readonly rows: Pick<RowStore, 'snapshot'>
  readonly tables: readonly TableSchema[]
  /** Whose outbox `RowSnapshot.outbox` gives. */
  readonly nodeId: string
  /** What the snapshot is opened with: the keys that the store had at its moment. */
  readonly open: (snapshot: RowSnapshot) => Promise<OpenedSnapshot>
}

export interface OpenedSnapshot {
  readonly keys: BackupKeys
  /** The canary of a row as the snapshot has it; undefined where it has none. */
  readonly canaryOf: (table: TableSchema, row: Row) => Promise<Canary | undefined>
}

export interface BackupParts {
  readonly random: Random
  readonly clock: Clock
  /** Of this program. */
  readonly version: string
}

/** What a backup holds. */
export interface WrittenBackup extends BackupTotals {
  readonly path: string
  readonly sizeBytes: number
  readonly createdAt: string
}

/**
 * Writes a backup of a store as it is at one moment, while it is in use. The file appears under its name
 * once it is whole and durable. @throws {OperatorError} where the file exists or cannot be written.
 */
export async function writeBackup(
  source: BackupSource,
  path: string,
  parts: BackupParts,
): Promise<WrittenBackup> {
  const createdAt = new Date(parts.clock.now()).toISOString()
  const draft = `${path}.partial`
  const file = await openNew(draft)
  try {
    // Nobody else is to take the name meanwhile.
    const place = await openNew(path)
    await place.close()
  } catch (error) {
    await file.close()
    await rm(draft, { force: true })
    throw error
  }
  let totals: BackupTotals | undefined
  try {
    const sizeBytes = await source.rows.snapshot(async (snapshot) => {
      const { keys, canaryOf } = await source.open(snapshot)
      const entries = entriesOf({ ...source, canaryOf }, snapshot, (made) => (totals = made))
      const bytes = encodeBackup(entries, { ...parts, keys, createdAt })
      return writeWhole(file, bytes)
    })
    await rename(draft, path)
    await syncFolder(dirname(path))
    if (totals === undefined) throw new TypeError('a backup has an end')
    return { ...totals, path, sizeBytes, createdAt }
  } catch (error) {
    await rm(draft, { force: true })
    await rm(path, { force: true })
    if (isDiskError(error)) {
      const cause = { cause: error }
      throw new OperatorError(
        `the backup ${path} cannot be written: ${error.code}`,
        undefined,
        cause,
      )
    }
    throw error
  }
}

const isDiskError = (error: unknown): error is NodeJS.ErrnoException & { code: string } =>
  error instanceof Error && 'syscall' in error && 'code' in error

/** Only a file that was not there: no link is followed, and what somebody else has put there is not written to. */
function openNew(path: string): Promise<FileHandle> {
  return open(path, 'wx', FILE_MODE).catch((cause: unknown) => {
    throw isDiskError(cause) && cause.code === 'EEXIST'
      ? new OperatorError(`${path} exists already`, 'choose another name: nothing is overwritten')
      : new OperatorError(`the backup ${path} cannot be written`, undefined, { cause })
  })
}

/** @returns the size in bytes, once all of it is durable; closes the file whatever happens */
async function writeWhole(file: FileHandle, bytes: AsyncIterable<Buffer>): Promise<number> {
  try {
    let size = 0
    for await (const piece of bytes) {
      await file.appendFile(piece)
      size += piece.length
    }
    await file.sync()
    return size
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function* entriesOf(
  {
    tables,
    nodeId,
    canaryOf,
  }: Pick<BackupSource & OpenedSnapshot, 'tables' | 'nodeId' | 'canaryOf'>,
  snapshot: RowSnapshot,
  onTotals: (totals: BackupTotals) => void,
): AsyncGenerator<BackupEntry> {
  const settings = await snapshot.settings()
  for (const setting of settings) yield { type: 'setting', ...setting }
  let rows = 0
  let canaries = 0
  for (const table of tables) {
    for await (const row of rowsOf(snapshot, table)) {
      yield { type: 'row', table: table.name, row }
      rows += 1
      const canary = await canaryOf(table, row)
      if (canary === undefined) continue
      yield { type: 'canary', canary }
      canaries += 1
    }
  }
  let outbox = 0
  for await (const entry of outboxOf(snapshot)) {
    yield { type: 'outbox', ...entry, node: nodeId }
    outbox += 1
  }
  for await (const { id, frame, nodeId: node } of othersOutboxOf(snapshot)) {
    yield { type: 'outbox', id, frame, node }
    outbox += 1
  }
  const totals = {
    rows,
    canaries,
    outbox,
    settings: settings.length,
    outboxId: snapshot.outboxId,
  }
  onTotals(totals)
  yield { type: 'end', totals }
}

async function* rowsOf(snapshot: RowSnapshot, table: TableSchema): AsyncGenerator<Row> {
  let after: readonly string[] | undefined
  for (;;) {
    const query = { index: 'key', equals: [], limit: PAGE_ROWS, ...(after && { after }) }
    const page = await snapshot.page(table, query)
    yield* page
    after = page.at(-1)?.key
    if (page.length < PAGE_ROWS) return
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}

async function* outboxOf(snapshot: RowSnapshot): AsyncGenerator<OutboxEntry> {
  let afterId = 0
  for (;;) {
    const entries = await snapshot.outbox(afterId, OUTBOX_PAGE)
    yield* entries
    afterId = entries.at(-1)?.id ?? afterId
    if (entries.length < OUTBOX_PAGE) return
  }
}

async function* othersOutboxOf(snapshot: RowSnapshot): AsyncGenerator<OthersEntry> {
  let last: OthersEntry | undefined
  for (;;) {
    const entries = await snapshot.othersOutbox(last, OUTBOX_PAGE)
    yield* entries
    last = entries.at(-1)
    if (entries.length < OUTBOX_PAGE) return
  }
}
