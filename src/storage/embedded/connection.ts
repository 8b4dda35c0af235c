import { DatabaseSync } from 'node:sqlite'

/** How long a connection waits for another process's write. It blocks the thread: keep it short. */
const BUSY_TIMEOUT_MS = 5000
/** Negative: KiB of page cache, per connection. */
const CACHE_SIZE = -32_768
/** Bytes that the write-ahead log keeps after a burst has been checkpointed. */
const WAL_BYTES_KEPT = 64 * 1024 * 1024

/**
 * Opens one connection to a store file with our settings. Commits are synced (`synchronous=FULL`;
 * `fullfsync` where the system has it). No memory mapping: a read error of a mapped page would end
 * the process with SIGBUS, where an ordinary read gives an error that we can answer.
 */
export function openConnection(file: string, readOnly: boolean): DatabaseSync {
  const db = new DatabaseSync(file, {
    readOnly,
    timeout: BUSY_TIMEOUT_MS,
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: false,
    allowExtension: false,
    defensive: true,
  })
  try {
    db.exec(`
      PRAGMA trusted_schema = OFF;
      PRAGMA cell_size_check = ON;
      PRAGMA temp_store = MEMORY;
      PRAGMA mmap_size = 0;
      PRAGMA cache_size = ${CACHE_SIZE};
      PRAGMA synchronous = FULL;
      PRAGMA fullfsync = ON;
      PRAGMA checkpoint_fullfsync = ON;
      PRAGMA journal_size_limit = ${WAL_BYTES_KEPT};
    `)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** How long the connection waits for locks of other processes; it blocks the thread. */
export function setBusyTimeout(db: DatabaseSync, milliseconds: number): void {
  db.exec(`PRAGMA busy_timeout = ${Math.trunc(milliseconds)}`)
}

/** The one number that a pragma or a counting query answers; 0 where it answers none. */
export function readNumber(db: DatabaseSync, sql: string): number {
  const row = db.prepare(sql).get()
  const value = row === undefined ? undefined : Object.values(row)[0]
  return typeof value === 'number' ? value : 0
}
