/**
 * `node bench/rsa-burst.ts`: what a burst of RSA-4096 signing does to the latency of Encrypt. Prints the p99 of
 * both, and their ratio, which is to stay below three. See `--help`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startServer } from '../test/support/server-process.ts'
import { KmsCaller } from './kms-caller.ts'
import { measure, type Sample, type Target } from './measure.ts'
import { median } from './report.ts'
import type { SigningIdentity } from './signer.ts'
import { prepareSubjects } from './subjects.ts'
import { type Subjects, workloadOf } from './workload.ts'

const HELP = `Usage: node bench/rsa-burst.ts [options]

  --rounds N     pairs of measurements, idle and in the burst, in turn (default 7)
  --requests N   Encrypt requests of a measurement (default 2000)
  --encrypt C    connections that encrypt, one request in flight each (default 1)
  --signers C    connections that sign with RSA-4096 in the burst (default 32)
  --folder DIR   parent of the temporary data folder

The server has all cores: it is the threads beside the event loop that are measured.`

const REGION = 'eu-central-1'
const BAR = 3
const WARM_UP_ROUNDS = 2
const REQUESTS_DISTINCT_MAX = 20_000

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    requests: { type: 'string', default: '2000' },
    encrypt: { type: 'string', default: '1' },
    signers: { type: 'string', default: '32' },
    folder: { type: 'string', default: tmpdir() },
    help: { type: 'boolean', default: false },
  },
})

interface Stage {
  readonly endpoint: string
  readonly target: Target
  readonly identity: SigningIdentity
  readonly subjects: Subjects
}

/** Signs on every connection, one request behind the other, until it is ended. */
class Burst implements AsyncDisposable {
  signatures = 0
  #isOver = false
  readonly #kms: KmsCaller
  readonly #lanes: readonly Promise<void>[]

  constructor({ endpoint, identity, subjects }: Stage, connections: number) {
    this.#kms = new KmsCaller(endpoint, identity, connections)
    this.#lanes = Array.from({ length: connections }, (_, lane) => this.#sign(lane, subjects))
  }

  async #sign(lane: number, subjects: Subjects): Promise<void> {
    const { operation, input } = workloadOf('Sign-RSA4096')
    for (let index = lane; !this.#isOver; index++) {
      await this.#kms.succeed(operation, input(index, subjects))
      this.signatures++
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#lanes)
    this.#kms[Symbol.dispose]()
  }
}

async function encrypt({ target, identity, subjects }: Stage): Promise<Sample> {
  const requests = Number(values.requests)
  const sample = await measure(target, {
    workload: 'Encrypt',
    connections: Number(values.encrypt),
    requests,
    distinct: Math.min(requests, REQUESTS_DISTINCT_MAX),
    identity,
    subjects,
  })
  if (sample.failure !== undefined) throw new Error(sample.failure)
  return sample
}

interface Round {
  readonly idle: Sample
  readonly inBurst: Sample
  readonly signaturesPerSecond: number
}

async function measureRound(stage: Stage): Promise<Round> {
  const idle = await encrypt(stage)
  await using burst = new Burst(stage, Number(values.signers))
  const start = performance.now()
  const inBurst = await encrypt(stage)
  const seconds = (performance.now() - start) / 1000
  return { idle, inBurst, signaturesPerSecond: burst.signatures / seconds }
}

const figure = (label: string, of: readonly number[], digits: number): string =>
  `${label.padEnd(34)}${median(of).toFixed(digits).padStart(9)}   (${of.map((value) => value.toFixed(digits)).join(', ')})`

function print(rounds: readonly Round[]): void {
  const ratios = rounds.map(({ idle, inBurst }) => inBurst.p99Ms / idle.p99Ms)
  const lines = [
    figure(
      'Encrypt idle, p50 ms',
      rounds.map(({ idle }) => idle.p50Ms),
      2,
    ),
    figure(
      'Encrypt idle, p99 ms',
      rounds.map(({ idle }) => idle.p99Ms),
      2,
    ),
    figure(
      'Encrypt in the burst, p50 ms',
      rounds.map(({ inBurst }) => inBurst.p50Ms),
      2,
    ),
    figure(
      'Encrypt in the burst, p99 ms',
      rounds.map(({ inBurst }) => inBurst.p99Ms),
      2,
    ),
    figure(
      'RSA-4096 signatures a second',
      rounds.map((round) => round.signaturesPerSecond),
      0,
    ),
    figure(`p99 in the burst by p99 idle`, ratios, 2),
  ]
  console.log(`median of ${rounds.length} rounds (each of them)\n${lines.join('\n')}`)
  const least = (of: (round: Round) => Sample): number =>
    Math.min(...rounds.map((round) => of(round).p99Ms))
  const ratioOfMinima = least(({ inBurst }) => inBurst) / least(({ idle }) => idle)
  console.log(
    `ratio ${median(ratios).toFixed(2)}, of the least p99s ${ratioOfMinima.toFixed(2)} (bar: ${BAR})`,
  )
}

async function main(): Promise<void> {
  if (values.help) {
    console.log(HELP)
    return
  }
  const folder = mkdtempSync(join(values.folder, 'strongroom-burst-'))
  try {
    await using server = await startServer({
      dataFolder: join(folder, 'data'),
      flags: ['--region', REGION],
    })
    const { endpoint, pid } = server
    const identity = { ...server.credentials, region: REGION }
    using kms = new KmsCaller(endpoint, identity, 8)
    const subjects = await prepareSubjects(kms)
    const target = { port: Number(new URL(endpoint).port), group: pid }
    const stage = { endpoint, target, identity, subjects }
    const rounds: Round[] = []
    for (let round = -WARM_UP_ROUNDS; round < Number(values.rounds); round++) {
      const measured = await measureRound(stage)
      if (round >= 0) rounds.push(measured)
    }
    print(rounds)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

await main()
