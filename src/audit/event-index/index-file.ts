import { closeSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DependencyError } from '../../core/errors.ts'
import type { LogMark } from '../segments/follow-log.ts'
import { INDEX_SCHEMA, INDEX_VERSION } from './index-schema.ts'

/** How long a write waits for one of another process on the same folder. */
const BUSY_TIMEOUT_MS = 10_000
/** Pages in memory, KiB. */
const CACHE_KIB = 65_536
/** Pages of the write-ahead log that are gathered before they go into the file: many batches change the same ones. */
const CHECKPOINT_PAGES = 8192
const WAL_BYTES_KEPT = 67_108_864
const FOLDER_MODE = 0o700
const FILE_MODE = 0o600

// Source: SQLite, Result and Error Codes.
const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26

/** In place of a file: an index that ends with the process. */
export const IN_MEMORY = ':memory:'

/** What the index knows of itself. */
export interface IndexMark {
  readonly nodeId: string
  /** Absent before the first batch. */
  readonly log: LogMark | undefined
}

/** Whether an error says that the file is not a whole database: then it is thrown away and made again. */
export function isDamagedIndex(error: unknown): boolean {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') {
    return false
  }
  const code = error.errcode & 0xff
  return code === SQLITE_CORRUPT || code === SQLITE_NOTADB
}

/**
 * Opens the file of an index, or makes it. One that is damaged, of another version or of another node is thrown away:
 * everything in it stands in the log.
 * @throws {DependencyError} where the file cannot be opened or made
 */
export function openIndexFile(file: string, nodeId: string): DatabaseSync {
  try {
    if (file !== IN_MEMORY) makePlace(file)
    return openUsable(file, nodeId) ?? openNew(file, nodeId)
  } catch (cause) {
    throw new DependencyError(`the index of the audit log, ${file}, could not be opened`, { cause })
  }
}

/** For its owner alone: what SQLite puts beside the file gets the file's mode. */
function makePlace(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: FOLDER_MODE })
  closeSync(openSync(file, 'a', FILE_MODE))
}

function openNew(file: string, nodeId: string): DatabaseSync {
  removeIndexFile(file)
  if (file !== IN_MEMORY) makePlace(file)
  const db = connect(file)
  db.exec(`BEGIN; ${INDEX_SCHEMA}; PRAGMA user_version = ${INDEX_VERSION}; COMMIT`)
  const insert = 'INSERT INTO mark VALUES (1, ?, ?, 0)'
  db.prepare(insert).run(nodeId, 'null')
  return db
}

/** Undefined where there is none that can be gone on with. */
function openUsable(file: string, nodeId: string): DatabaseSync | undefined {
  let db: DatabaseSync | undefined
  try {
    db = connect(file)
    const version = db.prepare('PRAGMA user_version').get()?.['user_version']
    if (version === INDEX_VERSION && readMark(db)?.nodeId === nodeId) return db
  } catch (error) {
    if (!isDamagedIndex(error)) {
      db?.close()
      throw error
    }
  }
  db?.close()
  return undefined
}

function connect(file: string): DatabaseSync {
  const db = new DatabaseSync(file, {
    timeout: BUSY_TIMEOUT_MS,
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: false,
    allowExtension: false,
    defensive: true,
  })
  try {
    // A crash may take the last batches back, which are then read from the log again; it does not damage the file.
    db.exec(`
      PRAGMA trusted_schema = OFF;
      PRAGMA cell_size_check = ON;
      PRAGMA temp_store = MEMORY;
      PRAGMA mmap_size = 0;
      PRAGMA cache_size = -${CACHE_KIB};
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      PRAGMA journal_size_limit = ${WAL_BYTES_KEPT};
    `)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Removes the file with all that SQLite puts beside it. */
export function removeIndexFile(file: string): void {
  if (file === IN_MEMORY) return
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true })
}

/** Undefined where the row is missing. */
export function readMark(db: DatabaseSync): IndexMark | undefined {
  const row = db.prepare('SELECT node_id, log_mark FROM mark').get()
  if (row === undefined) return undefined
  return {
    nodeId: String(row['node_id']),
    // Written by `writeMark`, in the transaction of what it tells of; a damaged file is found out by SQLite.
    log: (JSON.parse(String(row['log_mark'])) as LogMark | null) ?? undefined,
  }
}

/** The size of the file with its write-ahead log; 0 in memory. Unit: bytes. */
export function indexFileBytes(file: string): number {
  if (file === IN_MEMORY) return 0
  return ['', '-wal'].reduce(
    (sum, suffix) => sum + (statSync(`${file}${suffix}`, { throwIfNoEntry: false })?.size ?? 0),
    0,
  )
}
