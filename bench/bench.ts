/**
 * `npm run bench`: what a request costs the server, in CPU time, beside two yardsticks that are
 * measured in the same run. See `--help`.
 */
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CpuTime } from './cpu-time.ts'
import { measure, type Sample, startEcho, type Target } from './measure.ts'
import { opensslSignMicros } from './openssl-speed.ts'
import { dominatorsOf, listOfShares } from './profile.ts'
import { type Row, summarise, tableOf, threadsOf, YARDSTICK } from './report.ts'
import { type Subject, startSubject } from './subject.ts'
import { otherTargets, verdictOf } from './targets.ts'
import { EXTRA_WORKLOADS, WORKLOADS, workloadOf } from './workload.ts'

const HELP = `Usage: npm run bench -- [options]

  --rounds N           rounds per row, interleaved with those of all others (default 5)
  --seconds S          length of a round (default 1)
  --connections A,B    keep-alive connections, one request in flight each (default 64,8)
  --only A,B           only these rows: ${[WORKLOADS, EXTRA_WORKLOADS].flatMap(Object.keys).join(', ')}
  --keys N             keys that are in the store before the first request (default 100000)
  --folder DIR         parent of the temporary data folder: which disk the audit log syncs to
  --json FILE          also write every figure to FILE
  --cpu-prof           profile the server under the first of these rows, and print where it
                       spends its time

CPU µs/req is what all threads of the server used, divided by the requests answered. "× echo" is
that divided by the same figure of a node:net server that parses nothing and answers with one
fixed reply: a ratio that survives a busy machine. Targets are said beside the rows. Every reply must be 200, every request is signed.`

const WARM_UP_REQUESTS = 3000
/** Two, because V8 still compiles in the first. */
const WARM_UP_ROUNDS = 2
/** Signed requests lie in memory: 60,000 of them are about 130 MB. */
const REQUESTS_MAX = 60_000
const YARDSTICK_DISTINCT = 2048
const PROFILE_LINES = 40
const TMPFS_MAGIC = 0x01021994
/** The row that `openssl speed` is run for. */
const RSA_ROW = 'Sign-RSA2048'
/** The rows whose CPU time is shown thread by thread. */
const THREADS_OF = ['Encrypt', 'Encrypt-TLS', RSA_ROW]

interface Settings {
  readonly rounds: number
  readonly seconds: number
  readonly connections: readonly number[]
  readonly rows: readonly string[]
  readonly keys: number
  readonly folder: string
  readonly json: string | undefined
  readonly cpuProf: boolean
}

/** One line of the table to be: whom to load, and with what. */
interface Plan {
  readonly name: string
  readonly target: Target
  readonly workload: string
  readonly subject: Subject
  readonly isYardstick: boolean
}

const positive = (name: string, text: string): number => {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name}: ${text} is not a positive number`)
  return value
}

function parseSettings(): Settings | undefined {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '1' },
      connections: { type: 'string', default: '64,8' },
      only: { type: 'string', default: Object.keys(WORKLOADS).join(',') },
      keys: { type: 'string', default: '100000' },
      folder: { type: 'string', default: tmpdir() },
      json: { type: 'string' },
      'cpu-prof': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const rows = values.only.split(',')
  for (const name of rows) workloadOf(name)
  return {
    rounds: Math.ceil(positive('rounds', values.rounds)),
    seconds: positive('seconds', values.seconds),
    connections: values.connections.split(',').map((text) => positive('connections', text)),
    rows,
    keys: positive('keys', values.keys),
    folder: values.folder,
    json: values.json,
    cpuProf: values['cpu-prof'],
  }
}

/** Everything that was measured. */
interface Measured {
  readonly rows: readonly Row[]
  /** CPU microseconds of an RSA-2048 signature by `openssl speed`, one figure a round. */
  readonly opensslMicros: readonly number[]
}

async function measureAll(plans: readonly Plan[], settings: Settings): Promise<Measured> {
  const rows = settings.connections.flatMap((connections) =>
    plans.map((plan) => ({ plan, connections, rate: 0, samples: new Array<Sample>() })),
  )
  const opensslMicros: number[] = []
  // Rounds below 0 warm everything up and tell how many requests a round takes; they do not count.
  for (let round = -WARM_UP_ROUNDS; round < settings.rounds; round++) {
    for (const row of rows) {
      const sample = await measureRow(row, settings)
      row.rate = sample.requests / sample.seconds
      if (round >= 0) row.samples.push(sample)
    }
    const micros = settings.rows.includes(RSA_ROW) ? opensslSignMicros() : undefined
    if (micros !== undefined && round >= 0) opensslMicros.push(micros)
    if (process.stderr.isTTY)
      process.stderr.write(`\rround ${Math.max(round + 1, 0)} of ${settings.rounds} `)
  }
  if (process.stderr.isTTY) process.stderr.write('\r                    \r')
  return {
    rows: rows.map(({ plan, ...row }) => ({ name: plan.name, ...row })),
    opensslMicros,
  }
}

async function measureRow(
  { plan, connections, rate }: { plan: Plan; connections: number; rate: number },
  settings: Settings,
): Promise<Sample> {
  const { target, workload, subject, isYardstick } = plan
  const requests = rate === 0 ? WARM_UP_REQUESTS : Math.ceil(Math.max(rate * settings.seconds, 500))
  const sample = await measure(target, {
    identity: subject.identity,
    subjects: subject.subjects,
    workload,
    connections,
    requests: isYardstick ? requests : Math.min(requests, REQUESTS_MAX),
    distinct: isYardstick ? YARDSTICK_DISTINCT : REQUESTS_MAX,
  })
  if (sample.failure !== undefined)
    throw new Error(`${plan.name}: ${JSON.stringify(sample.statuses)}\n${sample.failure}`)
  return sample
}

const isTls = (name: string): boolean => workloadOf(name).isTls === true

async function compare(settings: Settings, folder: string): Promise<void> {
  await using servers = new AsyncDisposableStack()
  const start = async (name: string, overTls: boolean): Promise<Subject> => {
    const subject = await startSubject({
      folder: join(folder, name),
      // How many there are makes no difference to what is asked over TLS.
      keys: overTls ? 0 : settings.keys,
      isTls: overTls,
    })
    servers.use(subject.server)
    return subject
  }
  const plain = await start('plain', false)
  const tls = settings.rows.some(isTls) ? await start('tls', true) : undefined
  const net = await startEcho('net', { raw: plain.encryptReply })
  const http = await startEcho('http', { raw: plain.encryptReply })
  try {
    const yardstick = { workload: 'Encrypt', subject: plain, isYardstick: true }
    const plans = [
      { name: YARDSTICK, target: net, ...yardstick },
      { name: 'node:http echo', target: http, ...yardstick },
      ...settings.rows.map((name) => {
        const subject = isTls(name) && tls !== undefined ? tls : plain
        return { name, target: subject.target, workload: name, subject, isYardstick: false }
      }),
    ]
    const measured = await measureAll(plans, settings)
    await plain.server.stop()
    await tls?.server.stop()
    print(measured, settings)
  } finally {
    net.child.disconnect()
    http.child.disconnect()
  }
}

function print({ rows, opensslMicros }: Measured, settings: Settings): void {
  const summaries = summarise(rows).map((row) => ({ ...row, ...verdictOf(row) }))
  const load = loadavg().map((value) => value.toFixed(1))
  console.log(`${tableOf(summaries)}\n`)
  for (const line of otherTargets(rows, opensslMicros)) console.log(line)
  for (const row of rows.filter(({ name }) => THREADS_OF.includes(name)))
    console.log(`${row.name}, ${row.connections} connections, CPU µs by thread: ${threadsOf(row)}`)
  console.log(
    `Targets are compared with the minima. Load of this machine, 1, 5, 15 minutes: ${load.join(', ')}`,
  )
  if (settings.json === undefined) return
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length }
  const report = {
    date: new Date().toISOString(),
    machine,
    settings,
    summaries,
    opensslMicros,
    rows,
  }
  writeFileSync(settings.json, `${JSON.stringify(report, undefined, 1)}\n`)
}

/** The first row at 64 connections against a server under V8's sampling profiler. */
async function profile(settings: Settings, folder: string): Promise<void> {
  const [workload = 'Encrypt'] = settings.rows
  const profiles = join(folder, 'profiles')
  mkdirSync(profiles)
  const { server, target, identity, subjects } = await startSubject({
    folder: join(folder, 'profiled'),
    keys: settings.keys,
    isTls: isTls(workload),
    env: { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles}` },
  })
  await using _ = server
  const order = { workload, connections: 64, identity, subjects }
  let requests = WARM_UP_REQUESTS
  let sinceMicros = Number.POSITIVE_INFINITY
  for (let round = -WARM_UP_ROUNDS; round < settings.rounds; round++) {
    if (round === 0) sinceMicros = monotonicMicros()
    const sample = await measure(target, { ...order, requests, distinct: requests })
    if (sample.failure !== undefined) throw new Error(sample.failure)
    requests = Math.min(
      REQUESTS_MAX,
      Math.ceil((sample.requests / sample.seconds) * settings.seconds),
    )
  }
  const untilMicros = monotonicMicros()
  await server.stop()
  const { layers, functions } = dominatorsOf(profiles, { sinceMicros, untilMicros })
  console.log(
    `\n${workload} at 64 connections, busy time of the main thread by folder, with what it calls`,
  )
  console.log(listOfShares(layers, PROFILE_LINES))
  console.log('\nand by function, without what it calls')
  console.log(listOfShares(functions, PROFILE_LINES))
}

const monotonicMicros = (): number => Number(process.hrtime.bigint() / 1000n)

async function main(): Promise<void> {
  const settings = parseSettings()
  if (settings === undefined) {
    console.log(HELP)
    return
  }
  if (!CpuTime.isAvailable)
    console.error('No scheduler statistics under /proc: only rates and latencies are shown.')
  if (statfsSync(settings.folder).type === TMPFS_MAGIC)
    console.error(`${settings.folder} is in memory: syncing costs nothing there. See --folder.`)
  const folder = mkdtempSync(join(settings.folder, 'strongroom-bench-'))
  try {
    await compare(settings, folder)
    if (settings.cpuProf) await profile(settings, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

await main()
