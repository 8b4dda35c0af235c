/**
 * `npm run bench`: what a request costs the server, in CPU time, beside two yardsticks that are
 * measured in the same run. See `--help`.
 */
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Region } from '../src/core/ids.ts'
import { runStrongroom, type ServerProcess, startServer } from '../test/support/server-process.ts'
import { CpuTime } from './cpu-time.ts'
import { fillFolder } from './fill-keys.ts'
import { KmsCaller } from './kms-caller.ts'
import { measure, pinned, type Sample, startEcho, type Target } from './measure.ts'
import { dominatorsOf, listOfShares } from './profile.ts'
import { type Row, summarise, tableOf, threadsOf, YARDSTICK } from './report.ts'
import type { SigningIdentity } from './signer.ts'
import { prepareSubjects } from './subjects.ts'
import { EXTRA_WORKLOADS, type Subjects, WORKLOADS, workloadOf } from './workload.ts'

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
fixed reply: a ratio that survives a busy machine. Every reply must be 200, every request is signed.`

// The cast stands for the parser of Regions: the text has the form.
const REGION = 'eu-central-1' as Region
const WARM_UP_REQUESTS = 3000
/** Two, because V8 still compiles in the first. */
const WARM_UP_ROUNDS = 2
/** Signed requests lie in memory: 60,000 of them are about 130 MB. */
const REQUESTS_MAX = 60_000
const YARDSTICK_DISTINCT = 2048
const PROFILE_LINES = 40
const TMPFS_MAGIC = 0x01021994
const ENCRYPT_BAR = 8

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

async function startSubject(
  folder: string,
  keys: number,
  env: Readonly<Record<string, string>> = {},
): Promise<{ server: ServerProcess; target: Target; identity: SigningIdentity }> {
  const { exitCode, stderr } = await runStrongroom(['init', '--data', folder, '--region', REGION])
  if (exitCode !== 0) throw new Error(stderr)
  await fillFolder(folder, REGION, keys)
  const server = await startServer({
    dataFolder: folder,
    flags: ['--region', REGION],
    wrapper: pinned.server,
    env,
  })
  const port = Number(new URL(server.endpoint).port)
  return {
    server,
    target: { port, group: server.pid },
    identity: { ...server.credentials, region: REGION },
  }
}

/** Makes what the requests are about, and keeps one raw Encrypt reply for the yardsticks. */
async function prepare(
  endpoint: string,
  identity: SigningIdentity,
): Promise<{ subjects: Subjects; encryptReply: string }> {
  using kms = new KmsCaller(endpoint, identity, 8)
  const subjects = await prepareSubjects(kms)
  const answer = await kms.call('Encrypt', workloadOf('Encrypt').input(0, subjects))
  const head = Object.entries(answer.headers).map(([name, value]) => `${name}: ${String(value)}`)
  const encryptReply = `HTTP/1.1 200 OK\r\n${head.join('\r\n')}\r\n\r\n${JSON.stringify(answer.body)}`
  return { subjects, encryptReply }
}

async function measureAll(
  plans: readonly Plan[],
  settings: Settings,
  context: { readonly identity: SigningIdentity; readonly subjects: Subjects },
): Promise<Row[]> {
  const rows = settings.connections.flatMap((connections) =>
    plans.map((plan) => ({ plan, connections, rate: 0, samples: new Array<Sample>() })),
  )
  // Rounds below 0 warm everything up and tell how many requests a round takes; they do not count.
  for (let round = -WARM_UP_ROUNDS; round < settings.rounds; round++) {
    for (const row of rows) {
      const requests =
        row.rate === 0 ? WARM_UP_REQUESTS : Math.ceil(Math.max(row.rate * settings.seconds, 500))
      const sample = await measure(row.plan.target, {
        ...context,
        workload: row.plan.workload,
        connections: row.connections,
        requests: row.plan.isYardstick ? requests : Math.min(requests, REQUESTS_MAX),
        distinct: row.plan.isYardstick ? YARDSTICK_DISTINCT : REQUESTS_MAX,
      })
      if (sample.failure !== undefined)
        throw new Error(`${row.plan.name}: ${JSON.stringify(sample.statuses)}\n${sample.failure}`)
      row.rate = sample.requests / sample.seconds
      if (round >= 0) row.samples.push(sample)
    }
    if (process.stderr.isTTY)
      process.stderr.write(`\rround ${Math.max(round + 1, 0)} of ${settings.rounds} `)
  }
  if (process.stderr.isTTY) process.stderr.write('\r                    \r')
  return rows.map(({ plan, connections, samples }) => ({ name: plan.name, connections, samples }))
}

async function compare(settings: Settings, folder: string): Promise<void> {
  const { server, target, identity } = await startSubject(folder, settings.keys)
  await using _ = server
  const { subjects, encryptReply } = await prepare(server.endpoint, identity)
  const net = await startEcho('net', { raw: encryptReply })
  const http = await startEcho('http', { raw: encryptReply })
  try {
    const plans = [
      { name: YARDSTICK, target: net, workload: 'Encrypt', isYardstick: true },
      { name: 'node:http echo', target: http, workload: 'Encrypt', isYardstick: true },
      ...settings.rows.map((name) => ({ name, target, workload: name, isYardstick: false })),
    ]
    const rows = await measureAll(plans, settings, { identity, subjects })
    await server.stop()
    print(rows, settings)
  } finally {
    net.child.disconnect()
    http.child.disconnect()
  }
}

function print(rows: readonly Row[], settings: Settings): void {
  const summaries = summarise(rows)
  console.log(`${tableOf(summaries)}\n`)
  for (const row of rows.filter(({ name }) => name === 'Encrypt'))
    console.log(`Encrypt, ${row.connections} connections, CPU µs by thread: ${threadsOf(row)}`)
  const encrypt = summaries.find(
    ({ name, connections }) => name === 'Encrypt' && connections === 64,
  )
  if (encrypt?.ratioMedian !== undefined)
    console.log(
      `Encrypt at 64 connections: ${encrypt.ratioMedian.toFixed(2)} × the node:net echo (bar: ${ENCRYPT_BAR})`,
    )
  if (settings.json === undefined) return
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length }
  const report = { date: new Date().toISOString(), machine, settings, summaries, rows }
  writeFileSync(settings.json, `${JSON.stringify(report, undefined, 1)}\n`)
}

/** The first row at 64 connections against a server under V8's sampling profiler. */
async function profile(settings: Settings, folder: string): Promise<void> {
  const [workload = 'Encrypt'] = settings.rows
  const profiles = join(folder, 'profiles')
  mkdirSync(profiles)
  const { server, target, identity } = await startSubject(join(folder, 'profiled'), settings.keys, {
    NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles}`,
  })
  await using _ = server
  const { subjects } = await prepare(server.endpoint, identity)
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
    await compare(settings, join(folder, 'data'))
    if (settings.cpuProf) await profile(settings, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

await main()
