import { IntegrityError } from '../core/errors.ts'
import type { ColumnValue, Row, TableSchema } from '../core/store.ts'

/** What shows, when a backup is tried out, that a key does what it did when the backup was made. */
export interface Canary {
  readonly region: string
  readonly keyId: string
  readonly kind: 'ciphertext' | 'mac'
  readonly value: Uint8Array
}

/** What stands in a backup, one entry a line. **Source:** docs/formats/backup.md, Entries. */
export type BackupEntry =
  | { readonly type: 'setting'; readonly name: string; readonly value: string }
  | { readonly type: 'row'; readonly table: string; readonly row: Row }
  | {
      readonly type: 'outbox'
      readonly id: number
      readonly frame: string
      /** Whose outbox it was in; absent in backups of before there were several nodes. */
      readonly node?: string
    }
  | { readonly type: 'canary'; readonly canary: Canary }
  | { readonly type: 'end'; readonly totals: BackupTotals }

/** How much there was; the last entry, and what a restore counts against. */
export interface BackupTotals {
  readonly rows: number
  readonly settings: number
  readonly outbox: number
  readonly canaries: number
  /** Of the newest outbox entry there ever was. */
  readonly outboxId: number
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')

/** An entry as a line, without the line break. */
export function encodeEntry(entry: BackupEntry): string {
  if (entry.type === 'row') {
    const { key, version, columns, body, secret, mac } = entry.row
    return JSON.stringify({
      type: 'row',
      table: entry.table,
      key,
      version,
      columns,
      body,
      secret: secret && base64(secret),
      mac: base64(mac),
    })
  }
  if (entry.type === 'canary') {
    const { region, keyId, kind, value } = entry.canary
    return JSON.stringify({ type: 'canary', region, keyId, kind, value: base64(value) })
  }
  return JSON.stringify(entry)
}

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))

/** An entry as its line has it. */
type StoredEntry =
  | Exclude<BackupEntry, { type: 'row' } | { type: 'canary' }>
  | ({ readonly type: 'canary'; readonly value: string } & Omit<Canary, 'value'>)
  | ({
      readonly type: 'row'
      readonly table: string
      readonly secret: string | null
      readonly mac: string
    } & Omit<Row, 'secret' | 'mac'>)

/** Reads a line that `encodeEntry` wrote: the encryption around it proves that nobody else did. */
export function decodeEntry(line: string): BackupEntry {
  // The forms below are those that `encodeEntry` writes.
  const parsed = JSON.parse(line) as StoredEntry
  if (parsed.type === 'row') {
    const { table, key, version, columns, body, secret, mac } = parsed
    const bytes = secret === null ? null : bytesOf(secret)
    return {
      type: 'row',
      table,
      row: { key, version, columns, body, secret: bytes, mac: bytesOf(mac) },
    }
  }
  if (parsed.type === 'canary') {
    const { region, keyId, kind, value } = parsed
    return { type: 'canary', canary: { region, keyId, kind, value: bytesOf(value) } }
  }
  const isKnown = ['setting', 'outbox', 'end'].includes(parsed.type)
  if (isKnown) return parsed
  throw new IntegrityError('the backup has an entry that this version does not know')
}

/** Counts entries, and compares with what the last one says. */
export class EntryCount {
  readonly #seen = { rows: 0, settings: 0, outbox: 0, canaries: 0 }
  #totals: BackupTotals | undefined

  add(entry: BackupEntry): void {
    if (entry.type === 'row') this.#seen.rows += 1
    else if (entry.type === 'setting') this.#seen.settings += 1
    else if (entry.type === 'canary') this.#seen.canaries += 1
    else if (entry.type === 'outbox') this.#seen.outbox += 1
    else this.#totals = entry.totals
  }

  get rows(): number {
    return this.#seen.rows
  }

  /** @throws {IntegrityError} where something is missing */
  complete(): BackupTotals {
    const totals = this.#totals
    if (totals === undefined) throw new IntegrityError('the backup has no end')
    for (const what of ['rows', 'settings', 'outbox', 'canaries'] as const) {
      if (totals[what] === this.#seen[what]) continue
      throw new IntegrityError(
        `the backup has ${this.#seen[what]} ${what} instead of ${totals[what]}`,
      )
    }
    return totals
  }
}

/** The row as a table of today has it: a column that a newer version added is null until it is written. */
export function fitRow({ columns }: TableSchema, row: Row): Row {
  const fitted: Record<string, ColumnValue> = {}
  for (const name of Object.keys(columns)) fitted[name] = row.columns[name] ?? null
  return { ...row, columns: fitted }
}
