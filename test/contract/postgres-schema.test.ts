import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, beforeEach, describe, test } from 'node:test'
import { OperatorError } from '../../src/core/errors.ts'
import { MIGRATIONS, type Migration } from '../../src/storage/embedded/migrations.ts'
import type { SchemaSteps } from '../../src/storage/postgres/postgres-migrations.ts'
import {
  migrateStore,
  openPostgresStore,
  planStoreMigration,
} from '../../src/storage/postgres/postgres-store.ts'
import { parsePostgresUrl } from '../../src/storage/postgres/postgres-url.ts'
import { startPostgres } from '../support/postgres-server.ts'
import { openSchema, urlWith } from '../support/postgres-stores.ts'

const server = await startPostgres()
const { client, close } = await openSchema(server, 'steps')
const address = parsePostgresUrl(urlWith(server, { schema: 'steps' }))
after(async () => {
  await close()
  await server.stop()
})
beforeEach(() => client.query('DROP SCHEMA IF EXISTS steps CASCADE'))

const next: Migration = {
  number: MIGRATIONS.length + 1,
  name: 'next',
  sql: 'ALTER TABLE account ADD COLUMN note TEXT;\n',
}
const OURS: SchemaSteps = { migrations: MIGRATIONS, minCompatible: 1 }
/** What a later version may bring: a step that only adds, and one that older nodes do not understand. */
const ADDING: SchemaSteps = { migrations: [...MIGRATIONS, next], minCompatible: 1 }
const BREAKING: SchemaSteps = { ...ADDING, minCompatible: next.number }

const open = (steps: SchemaSteps) => openPostgresStore({ address, tables: [], nodeId: 'n', steps })
const refusal = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof OperatorError)
  assert.match(error.message, message)
  return true
}

describe('the schema of a store in PostgreSQL', () => {
  test('is made by the command alone: a node refuses an empty database', async () => {
    await assert.rejects(open(OURS), refusal(/holds no Strongroom store/))
  })

  test('is not touched by who only asks what would be done', async () => {
    const all = MIGRATIONS.map(({ number, name }) => `${number} ${name}`)
    const plan = await planStoreMigration(address, OURS)
    assert.deepEqual(plan, { from: 0, to: MIGRATIONS.length, applied: all })
    await assert.rejects(open(OURS), refusal(/holds no Strongroom store/))
    await migrateStore(address, OURS)
    assert.deepEqual((await planStoreMigration(address, OURS)).applied, [])
    assert.deepEqual((await planStoreMigration(address, ADDING)).applied, [`${next.number} next`])
    await assert.rejects(open(ADDING), refusal(/this version of Strongroom needs/))
  })

  test('is made once, however many try at the same moment', async () => {
    const reports = await Promise.all([1, 2, 3].map(() => migrateStore(address, OURS)))
    assert.deepEqual(
      reports.map(({ applied }) => applied.length).toSorted((a, b) => a - b),
      [0, 0, MIGRATIONS.length],
    )
    await (await open(OURS)).close()
  })

  test('is brought further under nodes of the older version, which go on and start again', async () => {
    await migrateStore(address, OURS)
    const older = await open(OURS)
    assert.deepEqual(await migrateStore(address, ADDING), {
      from: MIGRATIONS.length,
      to: next.number,
      applied: [`${next.number} next`],
    })
    await older.transaction((tx) => tx.setSetting('a', 'b'))
    await older.close()
    const again = await open(OURS)
    assert.equal(await again.setting('a'), 'b')
    assert.equal(again.schemaVersion, next.number)
    await again.close()
  })

  test('is brought further only where nobody reads for long: else nothing is changed, and the reason is told', async () => {
    await migrateStore(address, OURS)
    const older = await open(OURS)
    await client.query('BEGIN; SELECT count(*) FROM steps.account')
    await assert.rejects(migrateStore(address, ADDING), refusal(/is being read for long/))
    // Whoever writes was held up for no longer than that.
    await older.transaction((tx) => tx.setSetting('a', 'b'))
    await client.query('COMMIT')
    assert.equal((await migrateStore(address, ADDING)).to, next.number)
    await older.close()
  })

  test('that lacks a step is refused by the newer version, with what to do', async () => {
    await migrateStore(address, OURS)
    await assert.rejects(open(ADDING), refusal(/has schema \d+, this version of Strongroom needs/))
  })

  test('that the older version does not understand is refused by it', async () => {
    await migrateStore(address, BREAKING)
    await assert.rejects(open(OURS), refusal(/takes programs for schema \d+ and later/))
    await (await open(BREAKING)).close()
    await assert.rejects(migrateStore(address, OURS), refusal(/newer than this version/))
  })

  test('with a step of another text is refused', async () => {
    await migrateStore(address, OURS)
    await client.query("UPDATE steps.migration SET checksum = 'x' WHERE number = 2")
    await assert.rejects(open(OURS), /migration 2 .* is not the one this program has/)
    await assert.rejects(migrateStore(address, ADDING), /migration 2 .* is not the one/)
  })

  test('has no time of the database in it, and no statement asks for one', async () => {
    await migrateStore(address, OURS)
    const { rows } = await client.query(
      `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'steps'
        AND (column_default IS NOT NULL OR data_type NOT IN ('text', 'bigint', 'bytea', 'boolean'))`,
    )
    assert.deepEqual(rows, [])
    const folder = new URL('../../src/storage/postgres/', import.meta.url)
    const asking =
      /(?<!\.)\b(?:now\(\)|current_(?:date|time|timestamp)|localtime|(?:clock|statement|transaction)_timestamp)/i
    for (const name of readdirSync(folder).filter((file) => /sql|ddl|migrations/.test(file))) {
      assert.doesNotMatch(readFileSync(new URL(name, folder), 'utf8'), asking, name)
    }
  })

  test('is left as it was where a step fails', async () => {
    const broken: Migration = { ...next, sql: 'ALTER TABLE nowhere ADD COLUMN note TEXT;\n' }
    const steps = { ...OURS, migrations: [...MIGRATIONS, broken] }
    await assert.rejects(migrateStore(address, steps), /"nowhere" does not exist/)
    await assert.rejects(open(OURS), refusal(/holds no Strongroom store/))
    assert.equal((await migrateStore(address, OURS)).from, 0)
  })
})
