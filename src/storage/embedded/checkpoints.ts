import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** Pages in the write-ahead log from which on it is written back, as SQLite's own checkpoints have it. */
const LOG_PAGES = 1000

/**
 * Writes the write-ahead log of a file back that several processes write. SQLite does it after a commit, beside the
 * other writers: so with two that write all the time the log always has something new at its end, never begins anew and
 * grows without bounds. Here it is done while nobody writes, by whoever has just committed.
 */
export class Checkpoints {
  readonly #pages: StatementSync
  readonly #writeBack: StatementSync

  /** Takes over from SQLite on this connection. */
  constructor(db: DatabaseSync) {
    db.exec('PRAGMA wal_autocheckpoint = 0')
    this.#pages = db.prepare('PRAGMA wal_checkpoint(NOOP)')
    this.#writeBack = db.prepare('PRAGMA wal_checkpoint(RESTART)')
  }

  /**
   * Writes the log back where it has grown long. Where another process is writing or reading just now, as much as can be;
   * the next commit tries again. Errors are SQLite's own: the commit stands.
   */
  afterCommit(): void {
    if (Number(this.#pages.get()?.['log']) >= LOG_PAGES) this.#writeBack.get()
  }
}
