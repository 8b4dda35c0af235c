import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { KmsCaller, objectOf, stringOf } from '../../bench/kms-caller.ts'
import { ServerProcess, startServer } from '../support/server-process.ts'
import { Check, checkAudit, type Settled } from './kill-nine-check.ts'
import { Lane, requestIdOf } from './kill-nine-load.ts'
import { Model, SeededChoice } from './kill-nine-model.ts'

const ROUNDS = Number(process.env['STRONGROOM_KILL_ROUNDS'] ?? 10)
/** Repeats the choice of operations; the moments at which the server dies stay the machine's. */
const SEED = Number(process.env['STRONGROOM_KILL_SEED'] ?? randomInt(2 ** 31))

const REGION = 'eu-central-1'
const LANES = 12
const LOAD_MS = 1000
const WRITES_MIN = 100
/** The kill comes at a random moment of this span behind the minimum load. */
const KILL_SPAN_MS = 500
/** One data folder lives this long, so that a hundred rounds do not read an ever longer log. */
const ROUNDS_PER_LIFE = 10
const START_UP_KILL_SPAN_MS = 300

/** One data folder, and what it must hold. */
class Life {
  readonly folder = mkdtempSync(join(tmpdir(), 'strongroom-kill-nine-'))
  readonly model = new Model()
  readonly #choice: SeededChoice
  #rounds = 0

  constructor(seed: number) {
    this.#choice = new SeededChoice(seed)
  }

  /** Load, kill, restart, compare. `isLast` compares everything instead of a sample. */
  async round(isLast: boolean): Promise<string> {
    const round = this.#rounds++
    const writes = await this.#loadAndKill(round)
    if (this.#choice.below(3) === 0) await this.#killDuringStart()
    await using server = await this.#start()
    using caller = this.#callerOf(server, LANES)
    const settled = await new Check(this.model, caller, this.#choice).everything(
      isLast ? 'all' : 'touched and a sample',
    )
    // What has been answered is on disk, whether or not the server was given the time to say goodbye.
    if (this.#choice.below(2) === 0) await server.stop()
    else await server.kill9()
    await checkAudit(this.folder, this.model, settled)
    return this.#summary(writes, settled)
  }

  async #loadAndKill(round: number): Promise<number> {
    await using server = await this.#start()
    using caller = this.#callerOf(server, LANES)
    const accountId = await this.#accountOf(caller, round)
    const lanes = Array.from({ length: LANES }, (_, lane) => {
      const choice = new SeededChoice(this.#choice.below(2 ** 31))
      const name = `kill-nine-${round}-${lane}`
      return new Lane({ name, accountId, model: this.model, choice, caller })
    })
    const writes = (): number => lanes.reduce((sum, lane) => sum + lane.acknowledgedWrites, 0)
    let isKilled = false
    const running = Promise.all(lanes.map((lane) => lane.run(() => isKilled)))
    const kill = async (): Promise<void> => {
      await delay(LOAD_MS)
      while (writes() < WRITES_MIN) await delay(10)
      await delay(this.#choice.fraction() * KILL_SPAN_MS)
      isKilled = true
      await server.kill9()
    }
    // A lane that ends early has met a wrong answer: that failure is the one to see.
    await Promise.all([running, Promise.race([kill(), running])])
    assert.ok(writes() >= WRITES_MIN, 'a write-heavy load')
    return writes()
  }

  /** Recovery is itself interrupted, and starts again. */
  async #killDuringStart(): Promise<void> {
    const starting = new ServerProcess(this.#options())
    await delay(this.#choice.fraction() * START_UP_KILL_SPAN_MS)
    await starting.kill9()
  }

  #start(): Promise<ServerProcess> {
    return startServer(this.#options())
  }

  #options(): { readonly dataFolder: string; readonly flags: readonly string[] } {
    return { dataFolder: this.folder, flags: ['--region', REGION] }
  }

  #callerOf(server: ServerProcess, connections: number): KmsCaller {
    return new KmsCaller(server.endpoint, { ...server.credentials, region: REGION }, connections)
  }

  /** Asks the server for the account number, which the policies name; makes the first key for it. */
  async #accountOf(caller: KmsCaller, round: number): Promise<string> {
    const known = this.model.keys.keys().next().value
    const answer =
      known === undefined
        ? await caller.call('CreateKey', { Description: `first of round ${round}` })
        : await caller.call('DescribeKey', { KeyId: known })
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    this.model.acknowledged.push(requestIdOf(answer))
    const metadata = objectOf(answer.body, 'KeyMetadata')
    if (known === undefined)
      this.model.keys.set(stringOf(metadata, 'KeyId'), {
        state: 'Enabled',
        description: `first of round ${round}`,
        tags: {},
        policyId: 'key-default-1',
      })
    return stringOf(metadata, 'AWSAccountId')
  }

  #summary(writes: number, settled: readonly Settled[]): string {
    const happened = settled.filter(({ hasHappened }) => hasHappened).length
    return `${writes} writes acknowledged, ${settled.length} unanswered of which ${happened} had happened, ${this.model.keys.size} keys, ${this.model.ciphertexts.length} ciphertexts`
  }
}

test('kill -9 under load loses nothing that was acknowledged', async (t) => {
  t.diagnostic(`STRONGROOM_KILL_SEED=${SEED}`)
  let life = new Life(SEED)
  for (let round = 0; round < ROUNDS; round++) {
    if (round > 0 && round % ROUNDS_PER_LIFE === 0) life = new Life(SEED + round)
    const isLast = round % ROUNDS_PER_LIFE === ROUNDS_PER_LIFE - 1 || round === ROUNDS - 1
    const current = life
    let isPassed = false
    await t.test(`round ${round + 1} of ${ROUNDS}`, async (roundTest) => {
      roundTest.diagnostic(await current.round(isLast))
      isPassed = true
    })
    if (!isPassed) {
      t.diagnostic(`the data folder is kept: ${life.folder}`)
      return
    }
    if (isLast) rmSync(life.folder, { recursive: true, force: true })
  }
})
