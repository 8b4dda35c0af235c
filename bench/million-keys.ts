/**
 * A store of a million keys: how fast it opens, and what pages, reads and writes cost in it. Run it
 * with `node bench/million-keys.ts [--keys N] [--folder DIR] [--keep]`; it needs about 2 GB of
 * disk and a minute or two, and leaves nothing behind unless told to.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import {
  type AccountId,
  instant,
  type KeyId,
  type KeyMaterialId,
  type Region,
} from '../src/core/ids.ts'
import type { Key } from '../src/core/key.ts'
import type { RecordStore } from '../src/core/records.ts'
import type { PageQuery, RowStore } from '../src/core/store.ts'
import { BACKING_KEYS, KEY_POLICIES, KEYS, TABLES, type Table } from '../src/core/tables.ts'
import { CUSTODY_SETTING, type Custody, createCustody, openCustody } from '../src/crypto/custody.ts'
import { createRandom } from '../src/crypto/random.ts'
import { keyfileSeal } from '../src/crypto/seal-keyfile.ts'
import { openEmbeddedStore } from '../src/storage/embedded/embedded-store.ts'
import { insertSql } from '../src/storage/embedded/table-sql.ts'
import { RecordCodec } from '../src/storage/record-codec.ts'
import { createRecordStore } from '../src/storage/record-store.ts'

const STORE_NAME = 'strongroom.db'
const ROWS_PER_COMMIT = 50_000
const REPEATS = 200
const COLD_READS = 2000

const options = parseArgs({
  options: {
    keys: { type: 'string', default: '1000000' },
    folder: { type: 'string', default: tmpdir() },
    keep: { type: 'boolean', default: false },
    // A folder that --keep left: measures only.
    measure: { type: 'string' },
  },
}).values
const keyCount = Number(options.keys)
const tables = TABLES.map((table) => table.schema)
const random = createRandom()

// The casts stand for the parsers of these ids: the texts have their forms.
const ACCOUNT = '111122223333' as AccountId
const REGION = 'eu-central-1' as Region
const MATERIAL_ID = 'ab'.repeat(32) as KeyMaterialId
/** Key ids in scattered order, as random ones are: multiplication by an odd number permutes 32 bits. */
const keyIdOf = (n: number): KeyId =>
  `${(Math.imul(n, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0')}-0000-4000-8000-${n
    .toString(16)
    .padStart(12, '0')}` as KeyId

const aKey = (n: number): Key => ({
  accountId: ACCOUNT,
  region: REGION,
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

const ms = (since: number): number => performance.now() - since
const print = (what: string, value: string): void => {
  process.stdout.write(`${what.padEnd(44)}${value}\n`)
}
const rssMiB = (): string => `${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB resident`

/** Microseconds of each of many runs, in order. */
async function timed(runs: number, run: (n: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  for (let n = 0; n < runs; n++) {
    const start = performance.now()
    await run(n)
    times.push(ms(start) * 1000)
  }
  return times.sort((a, b) => a - b)
}

function quantiles(times: readonly number[]): string {
  const at = (share: number): string =>
    (times[Math.floor((times.length - 1) * share)] ?? 0).toFixed(0).padStart(6)
  return `${at(0.5)} µs median, ${at(0.99)} µs at 99 %`
}

/** Fills the tables past the store's own writer: no syncs, large transactions. */
async function build(file: string, custody: Custody): Promise<void> {
  const store = await openEmbeddedStore({ file, tables })
  await store.transaction((tx) => tx.setSetting(CUSTODY_SETTING, custody.settingText))
  await store.close()
  const db = new DatabaseSync(file)
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
  const text = `{"Version":"2012-10-17","Statement":[{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::${ACCOUNT}:root"},"Action":"kms:*","Resource":"*"}]}`
  for (let from = 0; from < keyCount; from += ROWS_PER_COMMIT) {
    db.exec('BEGIN')
    for (let n = from; n < Math.min(from + ROWS_PER_COMMIT, keyCount); n++) {
      const key = aKey(n)
      const { accountId, region, keyId, createdAt } = key
      addKey(key)
      // What the wrapped bytes are does not matter here: nothing opens them.
      const backing = {
        accountId,
        region,
        keyId,
        materialId: MATERIAL_ID,
        createdAt,
        generation: 1,
        state: 'CURRENT' as const,
      }
      addBackingKey(backing, wrapped)
      addPolicy({ region, keyId, text })
    }
    db.exec('COMMIT')
  }
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
}

/** Pages at three places: their cost is to be that of their rows alone. */
async function measurePages(rows: RowStore): Promise<void> {
  const sorted = ['00000000', '80000000', 'f0000000']
  for (const limit of [100, 1000]) {
    for (const [place, keyId] of [
      ['start', sorted[0]],
      ['middle', sorted[1]],
      ['end', sorted[2]],
    ] as const) {
      const query: PageQuery = {
        index: 'by_account',
        equals: [ACCOUNT, REGION],
        after: [keyId ?? ''],
        limit,
      }
      print(
        `page of ${limit} rows at the ${place}`,
        quantiles(await timed(REPEATS, () => rows.page(KEYS.schema, query))),
      )
    }
  }
}

async function measureWrites(records: RecordStore): Promise<void> {
  const insert = (n: number) =>
    records.transaction(async (tx) => {
      await tx.insert(KEYS, aKey(n))
      await tx.insert(KEY_POLICIES, { region: REGION, keyId: keyIdOf(n), text: '{}' })
      await tx.addOutbox('{}')
    })
  print(
    'durable write, one at a time',
    quantiles(await timed(REPEATS, (n) => insert(keyCount + n))),
  )
  const start = performance.now()
  const WRITES = 6400
  for (let n = 0; n < WRITES; n += 64) {
    await Promise.all(Array.from({ length: 64 }, (_, i) => insert(keyCount + REPEATS + n + i)))
  }
  print('durable writes, 64 at a time', `${(WRITES / (ms(start) / 1000)).toFixed(0)} per second`)
}

async function measure(folder: string): Promise<void> {
  const before = rssMiB()
  let start = performance.now()
  const rows = await openEmbeddedStore({ file: join(folder, STORE_NAME), tables })
  print('open', `${ms(start).toFixed(1)} ms`)
  const settingText = (await rows.setting(CUSTODY_SETTING)) ?? ''
  const custody = await openCustody(settingText, custodyParts(folder))
  const records = createRecordStore({ rows, guard: custody, cacheRecords: 10_000 })
  start = performance.now()
  await records.find(KEYS, [REGION, keyIdOf(12_345 % keyCount)])
  print('first record', `${ms(start).toFixed(1)} ms`)
  print('memory before and after opening', `${before}, ${rssMiB()}`)

  await measurePages(rows)
  const page: PageQuery = { index: 'by_account', equals: [ACCOUNT, REGION], limit: 100 }
  print(
    'page of 100 records, cached',
    quantiles(await timed(REPEATS, () => records.page(KEYS, page))),
  )
  const uncached = createRecordStore({ rows, guard: custody, cacheRecords: 0 })
  print(
    'page of 100 records, MACs checked',
    quantiles(await timed(REPEATS, () => uncached.page(KEYS, page))),
  )
  const scattered = (n: number) => [REGION, keyIdOf(Math.imul(n, 7919) % keyCount)]
  print(
    'row, scattered',
    quantiles(await timed(COLD_READS, (n) => rows.get(KEYS.schema, scattered(n)))),
  )
  print(
    'record, scattered, MAC checked',
    quantiles(await timed(COLD_READS, (n) => uncached.find(KEYS, scattered(n)))),
  )
  const hot = [REGION, keyIdOf(1)]
  start = performance.now()
  for (let n = 0; n < 200_000; n++) await records.find(KEYS, hot)
  print('record from the cache', `${((ms(start) * 1e6) / 200_000).toFixed(0)} ns`)

  await measureWrites(records)
  print('memory at the end', rssMiB())
  await rows.close()
}

const custodyParts = (folder: string) => ({
  random,
  clock: { now: () => instant(Date.now()) },
  seal: keyfileSeal({
    path: join(folder, 'root.key'),
    random,
    onWarning: (text) => process.stderr.write(`${text}\n`),
  }),
})

/** Builds the store, then measures it in a fresh process: this one's memory is that of the building. */
async function buildAndMeasure(): Promise<void> {
  const folder = mkdtempSync(join(options.folder, 'strongroom-million-'))
  try {
    const file = join(folder, STORE_NAME)
    const custody = await createCustody(custodyParts(folder))
    await custody.settleSeal()
    const start = performance.now()
    await build(file, custody)
    const sizeMiB = (statSync(file).size / 2 ** 20).toFixed(0)
    print(
      `${keyCount} keys with backing key and policy`,
      `built in ${(ms(start) / 1000).toFixed(0)} s, ${sizeMiB} MiB`,
    )
    const program = fileURLToPath(import.meta.url)
    const args = [program, '--keys', options.keys, '--measure', folder]
    execFileSync(process.execPath, args, { stdio: 'inherit' })
  } finally {
    if (options.keep) process.stdout.write(`kept in ${folder}\n`)
    else rmSync(folder, { recursive: true })
  }
}

if (options.measure === undefined) await buildAndMeasure()
else await measure(options.measure)
