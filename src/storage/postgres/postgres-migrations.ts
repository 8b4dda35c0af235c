import { createHash } from 'node:crypto'
import { IntegrityError, OperatorError } from '../../core/errors.ts'
import { MIGRATIONS, type Migration } from '../embedded/migrations.ts'
import type { ResultRow, Session } from './connections.ts'
import { toPostgres } from './ddl.ts'
import { LOCK_EPOCH } from './feed-sql.ts'
import { sqlStateOf } from './postgres-error.ts'
import { quote } from './table-sql.ts'

/**
 * How long a step waits for a table that somebody reads. All who come later to that table wait with it,
 * and nodes have a lease to keep.
 */
const TABLE_LOCK_MS_MAX = 1000
const LOCK_NOT_AVAILABLE = '55P03'
const MADE_BY_ANOTHER = new Set(['23505', '42710', '42P06', '42P07'])
const SCHEMA_ABSENT = new Set(['3F000', '42P01'])

/** Where the schema of a store stands. */
export interface SchemaState {
  /** The number of the newest migration; 0 for an empty database. */
  readonly version: number
  /** The oldest schema that a program may have been written for to work on this one. */
  readonly minCompatible: number
}

/** What a run of the migrations did. */
export interface MigrationReport {
  readonly from: number
  readonly to: number
  readonly applied: readonly string[]
}

/** SHA-256 of what was run, in hex. */
const checksumOf = (migration: Migration): string =>
  createHash('sha256').update(toPostgres(migration.sql), 'utf8').digest('hex')

/** The program's steps as data; tests give others. */
export interface SchemaSteps {
  readonly migrations: readonly Migration[]
  /**
   * The oldest program that may run beside this one, by the number of its newest migration. A step
   * that only adds leaves it as it is: programs name their columns and do not see more. A step that takes something
   * away or gives it another meaning raises it to its own number.
   */
  readonly minCompatible: number
}

export const SCHEMA_STEPS: SchemaSteps = { migrations: MIGRATIONS, minCompatible: 1 }

interface Applied {
  readonly number: number
  readonly checksum: string
  readonly minCompatible: number
}

function appliedOf(row: ResultRow): Applied {
  const [number, checksum, minCompatible] = row
  if (
    typeof number === 'number' &&
    typeof checksum === 'string' &&
    typeof minCompatible === 'number'
  ) {
    return { number, checksum, minCompatible }
  }
  throw new IntegrityError('the migration table of the store holds something else')
}

/** What was applied; nothing where the schema or the table is not there. */
async function readApplied(session: Session): Promise<readonly Applied[]> {
  try {
    const { rows } = await session.query(
      'SELECT number, checksum, min_compatible FROM migration WHERE number > 0 ORDER BY number',
    )
    return rows.map(appliedOf)
  } catch (error) {
    if (SCHEMA_ABSENT.has(sqlStateOf(error) ?? '')) return []
    throw error
  }
}

/** @throws {IntegrityError} when a migration that ran is not the one this program has */
function assertOurs(applied: readonly Applied[], known: readonly Migration[]): void {
  for (const [index, step] of applied.entries()) {
    const migration = known[index]
    // A newer program may have run steps that this one does not know.
    if (migration === undefined) return
    if (step.number !== migration.number || step.checksum !== checksumOf(migration)) {
      throw new IntegrityError(
        `migration ${step.number} of the store in PostgreSQL is not the one this program has`,
      )
    }
  }
}

const stateOf = (applied: readonly Applied[]): SchemaState => ({
  version: applied.at(-1)?.number ?? 0,
  minCompatible: applied.reduce((max, step) => Math.max(max, step.minCompatible), 0),
})

/**
 * Checks that this program may work on the store, older or newer.
 * @throws {OperatorError} for an empty database, a schema that lacks a step, one that is too new
 */
export async function checkSchema(
  session: Session,
  steps: SchemaSteps = SCHEMA_STEPS,
): Promise<SchemaState> {
  const applied = await readApplied(session)
  assertOurs(applied, steps.migrations)
  const state = stateOf(applied)
  const ours = steps.migrations.length
  if (state.version === 0) {
    throw new OperatorError(
      'the database holds no Strongroom store',
      'set it up with strongroom migrate --store URL, as the owner of the database',
    )
  }
  if (state.version < ours) {
    throw new OperatorError(
      `the store has schema ${state.version}, this version of Strongroom needs ${ours}`,
      'run strongroom migrate --store URL of this version first; nodes of the older version go on working meanwhile',
    )
  }
  if (state.minCompatible > ours) {
    throw new OperatorError(
      `the store has schema ${state.version}, which takes programs for schema ${state.minCompatible} and later; this one is for ${ours}`,
      'start the newer version instead',
    )
  }
  return state
}

/** What `migratePostgres` would do now; nothing is changed. */
export async function planMigration(
  session: Session,
  { migrations }: SchemaSteps = SCHEMA_STEPS,
): Promise<MigrationReport> {
  await assertUtf8(session)
  const applied = await readApplied(session)
  assertOurs(applied, migrations)
  const due = migrations.slice(applied.length)
  return { from: applied.length, to: migrations.length, applied: due.map(nameOf) }
}

const nameOf = ({ number, name }: Migration): string => `${number} ${name}`

/**
 * Brings the schema up to date, in one transaction. Nodes may be running: what is added does not
 * disturb them. Safe to be run by two at once: the second waits for the first.
 * @throws {OperatorError} for a schema of a newer version, and where the role may not make tables
 */
export async function migratePostgres(
  session: Session,
  schema: string,
  steps: SchemaSteps = SCHEMA_STEPS,
): Promise<MigrationReport> {
  await assertUtf8(session)
  const before = await readApplied(session)
  assertOurs(before, steps.migrations)
  // Nothing is due: then nobody needs the right to make anything.
  if (before.length === steps.migrations.length) {
    return { from: before.length, to: before.length, applied: [] }
  }
  await prepareTables(session, schema)
  return applyDue(session, steps)
}

/** In statements of their own, each of which may be repeated: not every database takes all of them in one transaction. */
async function prepareTables(session: Session, schema: string): Promise<void> {
  // `IF NOT EXISTS` would ask for the right to make schemas even where there is nothing to make.
  const { rows } = await session.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema])
  if (rows.length === 0) await make(session, `CREATE SCHEMA IF NOT EXISTS ${quote(schema)}`)
  await make(
    session,
    `CREATE TABLE IF NOT EXISTS migration (
      number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, min_compatible BIGINT NOT NULL)`,
  )
  await session.query(
    `INSERT INTO migration (number, name, checksum, min_compatible) VALUES (0, 'lock', '', 0) ON CONFLICT DO NOTHING`,
  )
}

/** `IF NOT EXISTS` looks before it makes: of two at the same moment, one finds the other's. */
async function make(session: Session, sql: string): Promise<void> {
  try {
    await session.query(sql)
  } catch (error) {
    if (!MADE_BY_ANOTHER.has(sqlStateOf(error) ?? '')) throw error
  }
}

/**
 * CockroachDB commits before each change of a schema unless it is told not to, and then makes it only where
 * nothing that was read may change. PostgreSQL does not know the setting; there whoever waited for the lock has to see
 * what the one before has done.
 * Source: CockroachDB documentation, session variables, autocommit_before_ddl.
 */
async function isolationOf(session: Session): Promise<string> {
  try {
    await session.query('SET autocommit_before_ddl = off')
    return 'SERIALIZABLE'
  } catch (error) {
    if (sqlStateOf(error) === undefined) throw error
    return 'READ COMMITTED'
  }
}

async function applyDue(session: Session, steps: SchemaSteps): Promise<MigrationReport> {
  await session.query(`BEGIN ISOLATION LEVEL ${await isolationOf(session)}`)
  try {
    await session.query('SELECT number FROM migration WHERE number = 0 FOR UPDATE')
    const applied = await readApplied(session)
    assertOurs(applied, steps.migrations)
    const from = applied.length
    if (from > steps.migrations.length) {
      throw new OperatorError(
        `the store has schema ${from}, which is newer than this version of Strongroom (${steps.migrations.length})`,
        'nothing has to be done for this version',
      )
    }
    const due = steps.migrations.slice(from)
    // Nodes may be writing: whoever has this lock is the only one, so that no step meets a transaction half-way.
    if (from > 0) await session.query(LOCK_EPOCH, [])
    await session.query(`SET lock_timeout = ${TABLE_LOCK_MS_MAX}`)
    for (const migration of due) {
      const sql = toPostgres(migration.sql)
      if (sql !== '') await session.query(sql)
      await session.query(
        'INSERT INTO migration (number, name, checksum, min_compatible) VALUES ($1, $2, $3, $4)',
        [migration.number, migration.name, checksumOf(migration), steps.minCompatible],
      )
    }
    await session.query('COMMIT')
    return {
      from,
      to: steps.migrations.length,
      applied: due.map(nameOf),
    }
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined)
    if (sqlStateOf(error) !== LOCK_NOT_AVAILABLE) throw error
    throw new OperatorError(
      'a table of the store is being read for long, and nothing was changed',
      'a backup or a drill may be going on: run strongroom migrate again when it has ended',
      { cause: error },
    )
  }
}

async function assertUtf8(session: Session): Promise<void> {
  const { rows } = await session.query('SHOW server_encoding')
  const encoding = String(rows[0]?.[0])
  if (encoding.toUpperCase().replace('-', '') === 'UTF8') return
  throw new OperatorError(
    `the database has the encoding ${encoding}`,
    "make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
  )
}
