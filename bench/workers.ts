/**
 * `node bench/workers.ts`: what a request costs with one process, one worker and two, on one file or (`--store postgres`)
 * one PostgreSQL, and how many changes a second there are.
 *
 * The load generator shares the cores with what it loads, so the rates of a small machine say little of
 * two workers that have a core each. What they can give together is said by the CPU time of a request:
 * two cores give twice what one gives, less what a request costs more with two.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '../test/support/postgres-server.ts'
import { urlWith } from '../test/support/postgres-stores.ts'
import { runStrongroom, type ServerProcess, startServer } from '../test/support/server-process.ts'
import { KmsCaller } from './kms-caller.ts'
import { measure, type Sample } from './measure.ts'
import type { SigningIdentity } from './signer.ts'
import { prepareSubjects } from './subjects.ts'
import type { Subjects } from './workload.ts'

const REGION = 'eu-central-1'
/** Of each worker: fewer would share fewer writes of the audit log. */
const CONNECTIONS = 64
const WARM_UP_ROUNDS = 2
/** Signed requests lie in memory. */
const REQUESTS_MAX = 30_000

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '1' },
    only: { type: 'string', default: 'Encrypt,Decrypt,DescribeKey,CreateKey' },
    store: { type: 'string', default: 'embedded' },
  },
})
if (values.store !== 'embedded' && values.store !== 'postgres') {
  throw new Error('--store is embedded or postgres')
}
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)]

interface Subject {
  /** 0: one process, and no supervisor. */
  readonly workers: number
  readonly server: ServerProcess
  readonly identity: SigningIdentity
  readonly subjects: Subjects
}

/** @param store a database; each data folder's own file when absent */
async function startSubject(
  store: string | undefined,
  parent: string,
  workers: number,
): Promise<Subject> {
  const env: Record<string, string> = store === undefined ? {} : { STRONGROOM_STORE: store }
  if (store !== undefined) {
    const migrated = await runStrongroom(['migrate'], { env })
    if (migrated.exitCode !== 0) throw new Error(migrated.stderr)
  }
  const server = await startServer({
    dataFolder: join(parent, `workers-${workers}`),
    env,
    flags: ['--region', REGION, ...(workers === 0 ? [] : ['--workers', String(workers)])],
  })
  const identity = { ...server.credentials, region: REGION }
  using kms = new KmsCaller(server.endpoint, identity, 8)
  return { workers, server, identity, subjects: await prepareSubjects(kms) }
}

const median = (figures: readonly number[]): number =>
  figures.toSorted((a, b) => a - b)[figures.length >> 1] ?? Number.NaN

async function round(subject: Subject, workload: string, requests: number): Promise<Sample> {
  const { server, identity, subjects } = subject
  const target = { port: Number(new URL(server.endpoint).port), group: server.pid }
  const order = {
    identity,
    subjects,
    workload,
    connections: CONNECTIONS * Math.max(1, subject.workers),
    requests,
  }
  const sample = await measure(target, { ...order, distinct: REQUESTS_MAX })
  if (sample.failure !== undefined) throw new Error(sample.failure)
  return sample
}

async function compare(subjects: readonly Subject[], workload: string): Promise<void> {
  const rows = subjects.map((subject) => ({ subject, samples: new Array<Sample>(), rate: 0 }))
  for (let at = -WARM_UP_ROUNDS; at < rounds; at++) {
    for (const row of rows) {
      const wanted = row.rate === 0 ? 3000 : Math.ceil(row.rate * seconds)
      const sample = await round(
        row.subject,
        workload,
        Math.min(Math.max(wanted, 500), REQUESTS_MAX),
      )
      row.rate = sample.requests / sample.seconds
      if (at >= 0) row.samples.push(sample)
    }
  }
  const cpus = rows.map(({ samples }) => median(samples.map(({ cpuMicros }) => cpuMicros ?? NaN)))
  const rates = rows.map(({ samples }) =>
    median(samples.map((sample) => sample.requests / sample.seconds)),
  )
  for (const [at, { subject }] of rows.entries()) {
    console.log(
      `${workload}, ${subject.workers === 0 ? 'one process' : `${subject.workers} worker(s)`}: ${cpus[at]?.toFixed(1)} CPU µs/req, ${rates[at]?.toFixed(0)} req/s`,
    )
  }
  const [one = NaN, , two = NaN] = cpus
  const [rateOne = NaN, , rateTwo = NaN] = rates
  console.log(
    `${workload}: two cores give ${((2 * one) / two).toFixed(2)} × one by CPU time; measured beside the generator ${(rateTwo / rateOne).toFixed(2)} ×\n`,
  )
}

const parent = mkdtempSync(join(tmpdir(), 'strongroom-bench-'))
const database = values.store === 'postgres' ? await startPostgres() : undefined
const subjects: Subject[] = []
try {
  for (const workers of [0, 1, 2]) {
    const store = database && urlWith(database, { schema: `bench_${workers}` })
    subjects.push(await startSubject(store, parent, workers))
  }
  for (const workload of values.only.split(',')) await compare(subjects, workload)
} finally {
  for (const { server } of subjects) await server.kill9()
  await database?.stop()
  rmSync(parent, { recursive: true, force: true })
}
