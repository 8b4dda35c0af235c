import { assert } from '../core/assert.ts'
import { IntegrityError } from '../core/errors.ts'
import type { RecordGuard } from '../core/record-guard.ts'
import type { Stored } from '../core/records.ts'
import type { Secret } from '../core/secret.ts'
import type { Row } from '../core/store.ts'
import type { Table } from '../core/tables.ts'

/** A record and the MAC of the row it was decoded from. */
export interface LoadedRecord<R> extends Stored<R> {
  readonly mac: Uint8Array
}

/** The row names a key that this process does not know, or no more: it may have been read across a change of keys. */
export class UnknownKeyError extends IntegrityError {}

/** Turns records into authenticated rows, and rows that prove genuine into records. */
export class RecordCodec {
  readonly #guard: RecordGuard

  constructor(guard: RecordGuard) {
    this.#guard = guard
  }

  /** The row of a record; `secret` is wrapped already. */
  encode<R>(table: Table<R>, record: R, version: number, secret: Uint8Array | null): Row {
    const key = table.keyOf(record)
    const body = JSON.stringify(record)
    const mac = this.#guard.mac({ table: table.schema.name, key }, version, body, secret)
    return { key, version, columns: table.columnsOf(record), body, secret, mac }
  }

  /** Wraps a secret for the row of `record`. */
  wrap<R>(table: Table<R>, record: R, secret: Secret): Uint8Array {
    return this.#guard.wrap({ table: table.schema.name, key: table.keyOf(record) }, secret)
  }

  /**
   * The record of a row that was found under `key`. Frozen, because a cache may share it.
   * @throws {IntegrityError} when the row is not as Strongroom wrote it under this key
   */
  decode<R>(table: Table<R>, key: readonly string[], row: Row): LoadedRecord<R> {
    this.assertGenuine(table, key, row)
    // The MAC just checked proves that this text was written by `encode` from a record of this table.
    const record = freeze(JSON.parse(row.body)) as R
    // The MAC does not cover the columns: they are copies, and a wrong copy would hide a record
    // from an index or show it under another account.
    if (!sameKey(table.keyOf(record), key)) throw altered(table, key, 'belongs to another key')
    const columns = table.columnsOf(record)
    for (const name in table.schema.columns) {
      if (row.columns[name] !== columns[name]) {
        throw altered(table, key, `has another value in the column ${name} than in its record`)
      }
    }
    return { record, version: row.version, secret: row.secret, mac: row.mac }
  }

  /** @throws {IntegrityError} unless the row's MAC is right for this table and key. */
  assertGenuine<R>(table: Table<R>, key: readonly string[], row: Row): void {
    const identity = { table: table.schema.name, key }
    if (this.#guard.checkMac(identity, row.version, row.body, row.secret, row.mac)) return
    const error = altered(table, key, 'was not written by Strongroom as it is now')
    throw this.#guard.knows(row.mac) ? error : new UnknownKeyError(error.message)
  }

  /** Opens the wrapped secret; the caller owns it. @throws {IntegrityError} also when there is none. */
  unwrap<R>(table: Table<R>, stored: Stored<R>): Secret {
    const key = table.keyOf(stored.record)
    if (stored.secret === null) throw altered(table, key, 'has no secret')
    return this.#guard.unwrap({ table: table.schema.name, key }, stored.secret)
  }

  /**
   * The same record with its secret wrapped and its MAC made by the guard's present keys, as the
   * next version.
   * @throws {IntegrityError} when the row is not genuine: rewriting would make it so
   */
  rewrite<R>(table: Table<R>, row: Row): Row {
    const { record, secret } = this.decode(table, row.key, row)
    if (secret === null) return this.encode(table, record, row.version + 1, null)
    const identity = { table: table.schema.name, key: row.key }
    using opened = this.#guard.unwrap(identity, secret)
    return this.encode(table, record, row.version + 1, this.#guard.wrap(identity, opened))
  }
}

/** @throws {AssertionFailure} unless the record that replaces another has the same key. */
export function assertSameKey<R>(table: Table<R>, before: R, after: R): void {
  assert(
    sameKey(table.keyOf(before), table.keyOf(after)),
    `an update of ${table.schema.name} changes the key`,
  )
}

function sameKey(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((part, index) => part === b[index])
}

/** Names the row and never what is in it: the operator's log shows this. */
function altered<R>(table: Table<R>, key: readonly string[], what: string): IntegrityError {
  return new IntegrityError(`the row ${JSON.stringify(key)} of ${table.schema.name} ${what}`)
}

function freeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  for (const member of Object.values(value)) freeze(member)
  return Object.freeze(value)
}
