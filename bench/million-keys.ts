/**
 * A store of a million keys: how long a node takes to start with it and how much memory, and what pages, reads
 * and writes cost in it. Run it with `node bench/million-keys.ts [--keys N] [--folder DIR] [--keep]`; it needs
 * about 2 GB of disk and a minute or two, and leaves nothing behind unless told to.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Region } from '../src/core/ids.ts'
import type { RecordStore } from '../src/core/records.ts'
import type { PageQuery, RowStore } from '../src/core/store.ts'
import { KEY_POLICIES, KEYS, TABLES } from '../src/core/tables.ts'
import { openEmbeddedStore } from '../src/storage/embedded/embedded-store.ts'
import { createRecordStore } from '../src/storage/record-store.ts'
import { runStrongroom, startServer } from '../test/support/server-process.ts'
import { CpuTime } from './cpu-time.ts'
import {
  accountOf,
  aKey,
  custodyOf,
  fillFolder,
  keyIdOf,
  type Owner,
  STORE_NAME,
} from './fill-keys.ts'
import { median } from './report.ts'

const STARTS = 5
/** Of a start, in milliseconds and MiB. */
const START_BAR = { ms: 1000, memoryMiB: 300 }
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
// The cast stands for the parser of Regions: the text has the form.
const REGION = 'eu-central-1' as Region

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

/** Pages at three places: their cost is to be that of their rows alone. */
async function measurePages(rows: RowStore, { accountId }: Owner): Promise<void> {
  const sorted = ['00000000', '80000000', 'f0000000']
  for (const limit of [100, 1000]) {
    for (const [place, keyId] of [
      ['start', sorted[0]],
      ['middle', sorted[1]],
      ['end', sorted[2]],
    ] as const) {
      const query: PageQuery = {
        index: 'by_account',
        equals: [accountId, REGION],
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

async function measureWrites(records: RecordStore, owner: Owner): Promise<void> {
  const insert = (n: number) =>
    records.transaction(async (tx) => {
      await tx.insert(KEYS, aKey(n, owner))
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
  using db = new DatabaseSync(join(folder, STORE_NAME), { readOnly: true })
  const owner = { accountId: accountOf(db), region: REGION }
  const custody = await custodyOf(folder, db)
  const records = createRecordStore({ rows, guard: custody, cacheRecords: 10_000 })
  start = performance.now()
  await records.find(KEYS, [REGION, keyIdOf(12_345 % keyCount)])
  print('first record', `${ms(start).toFixed(1)} ms`)
  print('memory before and after opening', `${before}, ${rssMiB()}`)

  await measurePages(rows, owner)
  const page: PageQuery = { index: 'by_account', equals: [owner.accountId, REGION], limit: 100 }
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

  await measureWrites(records, owner)
  print('memory at the end', rssMiB())
  await rows.close()
}

/** From the start of the process to its ready line, and the most memory that it had by then. */
async function measureStarts(folder: string): Promise<void> {
  const times: number[] = []
  const cpuTimes: number[] = []
  const peaks: number[] = []
  for (let n = 0; n < STARTS; n++) {
    const start = performance.now()
    await using server = await startServer({ dataFolder: folder, flags: ['--region', REGION] })
    times.push(ms(start))
    using cpu = new CpuTime(server.pid)
    cpuTimes.push(cpu.total() / 1e6)
    const status = readFileSync(`/proc/${server.pid}/status`, 'latin1')
    peaks.push(Number(/VmHWM:\s*(\d+) kB/.exec(status)?.[1]) / 1024)
    await server.stop()
  }
  const all = times.map((time) => time.toFixed(0)).join(', ')
  const least = Math.min(...times)
  print('start to ready line', `${least.toFixed(0)} ms at best (${all}; bar: ${START_BAR.ms})`)
  print('CPU time of a start', `${median(cpuTimes).toFixed(0)} ms`)
  print('most memory of a start', `${median(peaks).toFixed(0)} MiB (bar: ${START_BAR.memoryMiB})`)
}

/** Builds the store, then measures it in a fresh process: this one's memory is that of the building. */
async function buildAndMeasure(): Promise<void> {
  const folder = mkdtempSync(join(options.folder, 'strongroom-million-'))
  try {
    const file = join(folder, STORE_NAME)
    const { stderr } = await runStrongroom(['init', '--data', folder, '--region', REGION])
    if (stderr !== '') throw new Error(stderr)
    const start = performance.now()
    await fillFolder(folder, REGION, keyCount)
    const sizeMiB = (statSync(file).size / 2 ** 20).toFixed(0)
    print(
      `${keyCount} keys with backing key and policy`,
      `built in ${(ms(start) / 1000).toFixed(0)} s, ${sizeMiB} MiB`,
    )
    await measureStarts(folder)
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
