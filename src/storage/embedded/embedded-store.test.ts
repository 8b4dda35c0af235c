import assert from 'node:assert/strict'
import { chmod, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, test } from 'node:test'
import { AssertionFailure } from '../../core/assert.ts'
import { DependencyError, IntegrityError, OperatorError } from '../../core/errors.ts'
import { KEYS, TABLES } from '../../core/tables.ts'
import { openEmbeddedStore } from './embedded-store.ts'
import { APPLICATION_ID, MIGRATIONS } from './migrations.ts'

const folder = await mkdtemp(join(tmpdir(), 'strongroom-embedded-'))
after(() => rm(folder, { recursive: true }))

const tables = TABLES.map((table) => table.schema)
/** Every further column of the key table, empty. */
const NO_COLUMNS = Object.fromEntries(Object.keys(KEYS.schema.columns).map((name) => [name, null]))
/** The number of the migration that comes after all there are. */
const NEXT = MIGRATIONS.length + 1
let files = 0
const newFile = (): string => join(folder, `${++files}.db`)
const row = (keyId: string, body = '{}') => ({
  key: ['eu-central-1', keyId],
  version: 1,
  columns: { ...NO_COLUMNS, account_id: '111122223333' },
  body,
  secret: null,
  mac: new Uint8Array(32),
})

/** A closed store with some rows. */
async function filledFile(rows = 3): Promise<string> {
  const file = newFile()
  const store = await openEmbeddedStore({ file, tables })
  await store.transaction(async (tx) => {
    for (let n = 0; n < rows; n++) await tx.insert(KEYS.schema, row(`k${n}`, 'x'.repeat(500)))
  })
  await store.close()
  return file
}

/** Runs SQL on a closed store, as someone with a database tool would. */
function edit(file: string, sql: string): void {
  const db = new DatabaseSync(file)
  db.exec(sql)
  db.close()
}

const isOperatorError = (pattern: RegExp) => (error: unknown) => {
  assert(error instanceof OperatorError)
  assert.match(error.message, pattern)
  return true
}

describe('the files of an embedded store', () => {
  test('only their owner may read them, whatever mode they had', async () => {
    const file = newFile()
    const modes = async (keyId: string) => {
      const store = await openEmbeddedStore({ file, tables })
      await store.transaction((tx) => tx.insert(KEYS.schema, row(keyId)))
      const found = []
      for (const suffix of ['', '-wal', '-shm']) {
        found.push((await stat(`${file}${suffix}`)).mode & 0o777)
      }
      await store.close()
      return found
    }
    assert.deepEqual(await modes('a'), [0o600, 0o600, 0o600])
    await chmod(file, 0o644)
    assert.deepEqual(await modes('b'), [0o600, 0o600, 0o600])
  })

  test('a closed store is one file', async () => {
    const file = await filledFile()
    const own = (await readdir(folder)).filter((name) => join(folder, name).startsWith(file))
    assert.equal(own.length, 1)
  })

  test('an opened store says whether it was new, and its schema version', async () => {
    const file = newFile()
    const first = await openEmbeddedStore({ file, tables })
    assert.deepEqual([first.created, first.schemaVersion], [true, MIGRATIONS.length])
    await first.close()
    const second = await openEmbeddedStore({ file, tables })
    assert.deepEqual([second.created, second.schemaVersion], [false, MIGRATIONS.length])
    await second.close()
  })

  const notRoot = { skip: process.getuid?.() === 0 && 'root may write every file' }
  test('a file that may not be written is refused, not opened for reading', notRoot, async () => {
    const file = await filledFile()
    await chmod(file, 0o400)
    await assert.rejects(openEmbeddedStore({ file, tables }), isOperatorError(/may not be written/))
  })

  test('a missing folder is named', async () => {
    const file = join(folder, 'none', 'a.db')
    await assert.rejects(openEmbeddedStore({ file, tables }), isOperatorError(/does not exist/))
  })

  test('a folder in the place of the file is refused', async () => {
    await assert.rejects(openEmbeddedStore({ file: folder, tables }), isOperatorError(/not a file/))
  })
})

describe('a file that is not our store', () => {
  test('one that is no database is refused and left as it is', async () => {
    const file = newFile()
    const text = 'a letter, not a database\n'.repeat(100)
    await writeFile(file, text)
    await assert.rejects(openEmbeddedStore({ file, tables }), isOperatorError(/not a Strongroom/))
    assert.equal(await readFile(file, 'utf8'), text)
  })

  test('a database of another program is refused and left as it is', async () => {
    for (const sql of ['CREATE TABLE song (title TEXT)', 'PRAGMA application_id = 7']) {
      const file = newFile()
      edit(file, sql)
      const before = await readFile(file)
      await assert.rejects(openEmbeddedStore({ file, tables }), isOperatorError(/another program/))
      assert.deepEqual(await readFile(file), before)
    }
  })

  test('a store whose beginning was overwritten is refused', async () => {
    const file = await filledFile()
    const handle = await open(file, 'r+')
    await handle.write(Buffer.alloc(16, 0x41), 0, 16, 0)
    await handle.close()
    await assert.rejects(openEmbeddedStore({ file, tables }), isOperatorError(/damaged/))
  })

  test('damage inside is an integrity error when it is met, and a check finds it', async () => {
    const file = await filledFile(200)
    const size = (await stat(file)).size
    const handle = await open(file, 'r+')
    // All pages but the first two: what is opened is sound, what is read is not.
    await handle.write(Buffer.alloc(size - 8192, 0xff), 0, size - 8192, 8192)
    await handle.close()
    const read = async () => {
      const store = await openEmbeddedStore({ file, tables })
      try {
        await store.page(KEYS.schema, { index: 'key', equals: [], limit: 200 })
      } finally {
        await store.close()
      }
    }
    await assert.rejects(read(), IntegrityError)
  })

  test('a sound store has no findings, an index without its entries has', async () => {
    const file = await filledFile(20)
    const sound = await openEmbeddedStore({ file, tables })
    assert.deepEqual(sound.checkStructure(), [])
    await sound.close()
    const db = new DatabaseSync(file, { defensive: false })
    // The index by account now has the root of another, empty index.
    db.exec(`PRAGMA writable_schema = ON;
      UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema
        WHERE name = 'alias_by_target') WHERE name = 'kms_key_by_account'`)
    db.close()
    const damaged = await openEmbeddedStore({ file, tables })
    assert.ok(damaged.checkStructure().length > 0)
    await damaged.close()
  })
})

describe('the schema of a store', () => {
  const later = { number: NEXT, name: 'later', sql: 'CREATE TABLE later (a TEXT) STRICT' }

  test('a store of a newer version is refused with both numbers', async () => {
    const file = newFile()
    const migrations = [...MIGRATIONS, later]
    await (await openEmbeddedStore({ file, tables, migrations })).close()
    const expected = isOperatorError(
      new RegExp(
        `was written by a newer version of Strongroom \\(schema ${NEXT}, this program knows ${MIGRATIONS.length}\\)`,
      ),
    )
    await assert.rejects(openEmbeddedStore({ file, tables }), expected)
    await assert.rejects(openEmbeddedStore({ file, tables, readOnly: true }), expected)
  })

  test('an older store is brought up to date and keeps its rows', async () => {
    const file = await filledFile()
    const migrations = [...MIGRATIONS, later]
    const store = await openEmbeddedStore({ file, tables, migrations })
    assert.equal(store.schemaVersion, NEXT)
    assert.equal(await store.count(KEYS.schema, { index: 'key', equals: [], atMost: 10 }), 3)
    await store.close()
  })

  test('a migration that fails leaves the store as it was', async () => {
    const file = await filledFile()
    const broken = { number: NEXT, name: 'broken', sql: 'CREATE TABLE half (a); SELECT nonsense' }
    const migrations = [...MIGRATIONS, broken]
    await assert.rejects(openEmbeddedStore({ file, tables, migrations }), DependencyError)
    const store = await openEmbeddedStore({ file, tables })
    assert.equal(store.schemaVersion, MIGRATIONS.length)
    await store.close()
  })

  test('a migration whose text is another than the one that ran is refused', async () => {
    const file = await filledFile()
    const migrations = MIGRATIONS.map((step) => ({ ...step, sql: `${step.sql} ` }))
    await assert.rejects(openEmbeddedStore({ file, tables, migrations }), IntegrityError)
    edit(file, "UPDATE migration SET checksum = 'x'")
    await assert.rejects(openEmbeddedStore({ file, tables }), IntegrityError)
  })

  test('our own application id marks the file', async () => {
    const file = await filledFile()
    // Source: SQLite, Database File Format, section 1.3: offset 68, big-endian.
    assert.equal((await readFile(file)).readUInt32BE(68), APPLICATION_ID)
  })
})

describe('a store open for reading only', () => {
  test('shows what is committed and writes nothing', async () => {
    const file = await filledFile()
    const writer = await openEmbeddedStore({ file, tables })
    const reader = await openEmbeddedStore({ file, tables, readOnly: true })
    await writer.transaction((tx) => tx.insert(KEYS.schema, row('new')))
    assert.ok(await reader.get(KEYS.schema, ['eu-central-1', 'new']))
    await assert.rejects(
      reader.transaction((tx) => tx.insert(KEYS.schema, row('no'))),
      DependencyError,
    )
    await assert.rejects(reader.trimChanges(1), DependencyError)
    await reader.close()
    await writer.close()
  })

  test('does not create a store', async () => {
    const file = newFile()
    await assert.rejects(openEmbeddedStore({ file, tables, readOnly: true }), /no store at/)
    await assert.rejects(stat(file), { code: 'ENOENT' })
    await writeFile(file, '')
    await assert.rejects(openEmbeddedStore({ file, tables, readOnly: true }), /is empty/)
  })

  test('does not bring an older store up to date', async () => {
    const file = await filledFile()
    const migrations = [...MIGRATIONS, { number: NEXT, name: 'later', sql: 'SELECT 1' }]
    await assert.rejects(
      openEmbeddedStore({ file, tables, migrations, readOnly: true }),
      isOperatorError(/older version/),
    )
  })
})

describe('a work that swallows an error', () => {
  test('does not commit, unless the error is a conflict', async () => {
    const store = await openEmbeddedStore({ file: newFile(), tables })
    const swallowing = store.transaction(async (tx) => {
      await tx.insert(KEYS.schema, row('a'))
      await tx.insert(KEYS.schema, { ...row('b'), columns: {} }).catch(() => undefined)
    })
    const neighbour = store.transaction((tx) => tx.insert(KEYS.schema, row('c')))
    await assert.rejects(swallowing, AssertionFailure)
    await neighbour
    assert.equal(await store.get(KEYS.schema, ['eu-central-1', 'a']), undefined)
    assert.ok(await store.get(KEYS.schema, ['eu-central-1', 'c']))
    await store.close()
  })
})

describe('a store that two have open', () => {
  test('each counts on from the other, and each sees what the other committed', async () => {
    const file = newFile()
    const one = await openEmbeddedStore({ file, tables })
    const two = await openEmbeddedStore({ file, tables })
    const ids: number[] = []
    for (let n = 0; n < 20; n++) {
      const store = n % 2 === 0 ? one : two
      ids.push(
        await store.transaction(async (tx) => {
          await tx.insert(KEYS.schema, row(`k${n}`))
          return tx.addOutbox('frame')
        }),
      )
    }
    assert.deepEqual(
      ids,
      Array.from({ length: 20 }, (_, n) => n + 1),
    )
    assert.equal(await one.epoch(), 20)
    assert.equal((await two.changesSince(0, 100)).length, 20)
    await one.close()
    assert.equal(await two.count(KEYS.schema, { index: 'key', equals: [], atMost: 100 }), 20)
    await two.close()
  })
})
