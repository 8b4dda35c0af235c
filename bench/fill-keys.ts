import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import {
  type AccountId,
  instant,
  type KeyId,
  type KeyMaterialId,
  type Region,
} from '../src/core/ids.ts'
import type { Key } from '../src/core/key.ts'
import { BACKING_KEYS, KEY_POLICIES, KEYS, type Table } from '../src/core/tables.ts'
import { CUSTODY_SETTING, type Custody, openCustody } from '../src/crypto/custody.ts'
import { createRandom } from '../src/crypto/random.ts'
import { keyfileSeal } from '../src/crypto/seal-keyfile.ts'
import { insertSql } from '../src/storage/embedded/table-sql.ts'
import { RecordCodec } from '../src/storage/record-codec.ts'

/** The store's file in a data folder. */
export const STORE_NAME = 'strongroom.db'
const ROWS_PER_COMMIT = 50_000
/** The cast stands for the parser of these ids: the text has their form. */
const MATERIAL_ID = 'ab'.repeat(32) as KeyMaterialId

/** Whose keys they are. */
export interface Owner {
  readonly accountId: AccountId
  readonly region: Region
}

/** Key ids in scattered order, as random ones are: multiplication by an odd number permutes 32 bits. */
export const keyIdOf = (n: number): KeyId =>
  // The cast stands for the parser: the text has the form.
  `${(Math.imul(n, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0')}-0000-4000-8000-${n
    .toString(16)
    .padStart(12, '0')}` as KeyId

export const aKey = (n: number, owner: Owner): Key => ({
  ...owner,
  keyId: keyIdOf(n),
  spec: 'SYMMETRIC_DEFAULT',
  usage: 'ENCRYPT_DECRYPT',
  origin: 'AWS_KMS',
  description: `key number ${n} of the benchmark`,
  createdAt: instant(1_700_000_000_000 + n),
  state: { name: 'Enabled' },
  tags: { team: 'payments', stage: 'production' },
  currentMaterialId: MATERIAL_ID,
  onDemandRotations: 0,
})

const policyOf = ({ accountId }: Owner): string =>
  `{"Version":"2012-10-17","Statement":[{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::${accountId}:root"},"Action":"kms:*","Resource":"*"}]}`

/**
 * Puts keys with backing key and policy into the store of a node that does not run, past its own writer: no
 * syncs, large transactions. Listing and describing them works; nothing opens their material.
 */
export async function fillFolder(folder: string, region: Region, count: number): Promise<void> {
  using db = new DatabaseSync(join(folder, STORE_NAME))
  const accountId = accountOf(db)
  fillKeys(db, await custodyOf(folder, db), { accountId, region }, count)
}

/** The one account of a store. */
export const accountOf = (db: DatabaseSync): AccountId =>
  // The cast stands for the parser of account ids: this one has passed it.
  textOf(db, 'SELECT account_id FROM account') as AccountId

const onWarning = (text: string): void => void process.stderr.write(`${text}\n`)

/** Opens what guards the rows of a folder's store, with the key file that lies there. */
export function custodyOf(folder: string, db: DatabaseSync): Promise<Custody> {
  const setting = textOf(db, `SELECT value FROM setting WHERE name = '${CUSTODY_SETTING}'`)
  const random = createRandom()
  const seal = keyfileSeal({ path: join(folder, 'root.key'), random, onWarning })
  return openCustody(setting, { random, clock: { now: () => instant(Date.now()) }, seal })
}

function textOf(db: DatabaseSync, sql: string): string {
  const [value] = Object.values(db.prepare(sql).get() ?? {})
  if (typeof value !== 'string') throw new Error(`no text: ${sql}`)
  return value
}

function fillKeys(db: DatabaseSync, custody: Custody, owner: Owner, count: number): void {
  db.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -262144')
  const codec = new RecordCodec(custody)
  const adder = <R>(table: Table<R>): ((record: R, secret?: Uint8Array) => void) => {
    const insert = db.prepare(insertSql(table.schema))
    const columns = Object.keys(table.schema.columns)
    return (record, secret) => {
      const row = codec.encode(table, record, 1, secret ?? null)
      const values = columns.map((name) => row.columns[name] ?? null)
      insert.run(...row.key, row.version, ...values, row.body, row.secret, row.mac)
    }
  }
  const addKey = adder(KEYS)
  const addBackingKey = adder(BACKING_KEYS)
  const addPolicy = adder(KEY_POLICIES)
  const wrapped = new Uint8Array(76).fill(7)
  const text = policyOf(owner)
  for (let from = 0; from < count; from += ROWS_PER_COMMIT) {
    db.exec('BEGIN')
    for (let n = from; n < Math.min(from + ROWS_PER_COMMIT, count); n++) {
      const key = aKey(n, owner)
      const { keyId, createdAt } = key
      addKey(key)
      const backing = { ...owner, keyId, createdAt, materialId: MATERIAL_ID, generation: 1 }
      addBackingKey({ ...backing, state: 'CURRENT' }, wrapped)
      addPolicy({ region: owner.region, keyId, text })
    }
    db.exec('COMMIT')
  }
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
}
