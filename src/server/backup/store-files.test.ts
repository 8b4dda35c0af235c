import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { OperatorError } from '../../core/errors.ts'
import { assertNoStore, nameStore, removeStore } from './store-files.ts'

const refusal = (message: RegExp) => (error: unknown) =>
  error instanceof OperatorError && message.test(error.message)

describe('a store that has been filled', () => {
  let folder = ''
  let draft = ''
  let file = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'store-files-'))
    draft = join(folder, 'store.db.draft')
    file = join(folder, 'store.db')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  /** A store as SQLite has it while it is open. */
  function openStore(): DatabaseSync {
    const db = new DatabaseSync(draft)
    db.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)')
    return db
  }

  test('gets its name once it is closed', () => {
    openStore().close()
    nameStore(draft, file)
    assert.deepEqual(readdirSync(folder), ['store.db'])
    using db = new DatabaseSync(file)
    assert.equal(db.prepare('SELECT a FROM t').get()?.['a'], 1)
  })

  test('gets none where its log could not be written into it', () => {
    const db = openStore()
    // SQLite does it when the last connection is closed.
    using other = new DatabaseSync(draft)
    other.exec('BEGIN; SELECT a FROM t')
    db.close()
    assert.ok(existsSync(`${draft}-wal`))
    assert.throws(() => nameStore(draft, file), refusal(/could not be written .* in whole/))
    assert.deepEqual(readdirSync(folder), [])
  })

  test('takes no name that a store has, or that one has left its log under', () => {
    openStore().close()
    for (const [name, message] of [
      ['store.db', /there is a store at/],
      ['store.db-wal', /store\.db-wal has the last changes/],
      ['store.db-journal', /store\.db-journal has the last changes/],
    ] as const) {
      writeFileSync(join(folder, name), 'of another store')
      assert.throws(() => assertNoStore(file), refusal(message))
      assert.throws(() => nameStore(draft, file), refusal(message))
      assert.ok(existsSync(draft))
      rmSync(join(folder, name))
    }
    assertNoStore(file)
    removeStore(draft)
    assert.deepEqual(readdirSync(folder), [])
  })
})
