import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { Checkpoints } from './checkpoints.ts'

const folder = mkdtempSync(join(tmpdir(), 'strongroom-checkpoints-'))
after(() => rmSync(folder, { recursive: true }))

test('the log is written back when it has grown long, as soon as nobody is in the way', () => {
  const file = join(folder, 'a.db')
  const db = new DatabaseSync(file, { timeout: 0 })
  db.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (a TEXT)')
  const checkpoints = new Checkpoints(db)
  const other = new DatabaseSync(file, { timeout: 0 })
  const watch = new DatabaseSync(file, { timeout: 0 })
  const pages = (): number => Number(watch.prepare('PRAGMA wal_checkpoint(NOOP)').get()?.['log'])
  const write = (count: number): void => {
    db.exec(`INSERT INTO t VALUES ('${'x'.repeat(count * 4096)}')`)
    checkpoints.afterCommit()
  }
  write(900)
  assert.ok(pages() > 900)
  // A reader that sees the file as it was keeps the log from beginning anew.
  other.exec('BEGIN')
  other.prepare('SELECT count(*) FROM t').get()
  write(200)
  write(1)
  const held = pages()
  assert.ok(held > 1100)
  other.exec('COMMIT')
  write(1)
  write(1)
  assert.ok(pages() < 10, `${pages()} pages`)
  // SQLite itself, on this connection, leaves the log alone.
  db.exec(`INSERT INTO t VALUES ('${'x'.repeat(1100 * 4096)}'); INSERT INTO t VALUES ('x')`)
  assert.ok(pages() > 1100)
  checkpoints.afterCommit()
  write(1)
  assert.ok(pages() < 10, `${pages()} pages`)
  other.close()
  watch.close()
  db.close()
})
