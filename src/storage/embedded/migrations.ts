import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { assert } from '../../core/assert.ts'
import { IntegrityError, OperatorError } from '../../core/errors.ts'
import { readNumber } from './connection.ts'
import { foundation } from './migrations/0001-foundation.ts'
import { keyLife } from './migrations/0002-key-life.ts'
import { identity } from './migrations/0003-identity.ts'
import { deletionGuard } from './migrations/0004-deletion-guard.ts'
import { trail } from './migrations/0005-trail.ts'
import { events } from './migrations/0006-events.ts'
import { shipping } from './migrations/0007-shipping.ts'
import { workers } from './migrations/0008-workers.ts'
import { messages } from './migrations/0009-messages.ts'

/** One step of the schema. Steps only go forward. */
export interface Migration {
  /** 1 for the first; each one more than the last. */
  readonly number: number
  readonly name: string
  readonly sql: string
}

/** Every migration in order. */
export const MIGRATIONS: readonly Migration[] = [
  foundation,
  keyLife,
  identity,
  deletionGuard,
  trail,
  events,
  shipping,
  workers,
  messages,
]

/**
 * Says whose file an SQLite database is (`PRAGMA application_id`): "StRm".
 * Source: SQLite, Database File Format, section 1.3.
 */
export const APPLICATION_ID = 0x5374526d

/** SHA-256 of the migration's SQL text, in hex. */
const checksumOf = (migration: Migration): string =>
  createHash('sha256').update(migration.sql, 'utf8').digest('hex')

interface Applied {
  readonly number: number
  readonly name: string
  readonly checksum: string
}

function appliedMigrations(db: DatabaseSync): Applied[] {
  const rows = db.prepare('SELECT number, name, checksum FROM migration ORDER BY number').all()
  return rows.map(({ number, name, checksum }) => {
    if (typeof number !== 'number' || typeof name !== 'string' || typeof checksum !== 'string') {
      throw new IntegrityError('the migration table of the store holds something else')
    }
    return { number, name, checksum }
  })
}

/** The schema version of an opened store after checking that this program knows all of it. */
function checkApplied(
  location: string,
  applied: readonly Applied[],
  known: readonly Migration[],
): number {
  const newest = applied.at(-1)?.number ?? 0
  if (newest > known.length) {
    throw new OperatorError(
      `the store ${location} was written by a newer version of Strongroom (schema ${newest}, this program knows ${known.length})`,
      'run the newer version again; a store is never taken back to an older schema',
    )
  }
  for (const [index, step] of applied.entries()) {
    const migration = known[index]
    if (migration?.number !== step.number || checksumOf(migration) !== step.checksum) {
      throw new IntegrityError(
        `migration ${step.number} of the store ${location} is not the one this program has`,
      )
    }
  }
  return newest
}

/**
 * Whether the database is empty: nothing was ever stored in it.
 * @throws {OperatorError} when it belongs to another program.
 */
function isEmpty(db: DatabaseSync, location: string): boolean {
  const id = readNumber(db, 'PRAGMA application_id')
  if (id === APPLICATION_ID) return false
  if (id === 0 && readNumber(db, 'SELECT count(*) FROM sqlite_schema') === 0) return true
  throw new OperatorError(
    `${location} is an SQLite database of another program, not a Strongroom store`,
    'check --store and --data',
  )
}

/**
 * Brings the schema up to date, in one transaction that other processes wait for.
 * @returns the schema version, and whether the store was empty before
 * @throws {OperatorError} for a store of a newer version or of another program
 * @throws {IntegrityError} when a migration that ran is not the one this program has
 */
export function migrate(
  db: DatabaseSync,
  location: string,
  known: readonly Migration[],
): { readonly schemaVersion: number; readonly created: boolean } {
  known.forEach((migration, index) =>
    assert(migration.number === index + 1, 'a migration is missing'),
  )
  // Before anything is written: a foreign database must not even change its journal mode.
  const isNew = isEmpty(db, location)
  db.exec('PRAGMA journal_mode = WAL')
  // Nothing is due: then nobody who writes has to be waited for.
  if (!isNew && checkApplied(location, appliedMigrations(db), known) === known.length) {
    return { schemaVersion: known.length, created: false }
  }
  db.exec('BEGIN IMMEDIATE')
  try {
    const created = isEmpty(db, location)
    if (created) {
      db.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
      db.exec(
        'CREATE TABLE migration (number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL) STRICT',
      )
    }
    const newest = checkApplied(location, appliedMigrations(db), known)
    const record = db.prepare('INSERT INTO migration (number, name, checksum) VALUES (?, ?, ?)')
    for (const migration of known.slice(newest)) {
      db.exec(migration.sql)
      record.run(migration.number, migration.name, checksumOf(migration))
    }
    db.exec('COMMIT')
    return { schemaVersion: known.length, created }
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

/**
 * The schema version of a store that is opened for reading only.
 * @throws {OperatorError} also when migrations are due, which only a writer may run.
 */
export function checkSchema(
  db: DatabaseSync,
  location: string,
  known: readonly Migration[],
): number {
  if (isEmpty(db, location)) {
    throw new OperatorError(`the store ${location} is empty`, 'start Strongroom once to set it up')
  }
  const newest = checkApplied(location, appliedMigrations(db), known)
  if (newest < known.length) {
    throw new OperatorError(
      `the store ${location} was written by an older version of Strongroom (schema ${newest}, this program has ${known.length})`,
      'start this version once to bring it up to date',
    )
  }
  return newest
}
