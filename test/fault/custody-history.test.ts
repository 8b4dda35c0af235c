import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { IntegrityError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import { SERVICE_SECRETS } from '../../src/core/tables.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { machineClock } from '../../src/server/clocks.ts'
import { type NodeState, openNodeState } from '../../src/server/node/node-state.ts'
import { rotateDomainKey } from '../../src/server/operator/key-rotations.ts'
import { type CuttingProxy, openCuttingProxy } from '../support/cutting-proxy.ts'
import { NOT_OURS, startPostgres } from '../support/postgres-server.ts'
import { openSchema } from '../support/postgres-stores.ts'
import { temporaryFolder } from '../support/server-process.ts'
import { startOptionsFor } from '../support/stopped-node.ts'
import { secondsOf } from './history-record.ts'
import { SeededChoice } from './kill-nine-model.ts'

/** How long nodes are disturbed. Minutes: `STRONGROOM_HISTORY_SECONDS=300 node --test test/fault/custody-history.test.ts`. */
const SECONDS = secondsOf(10)
const SEED = Number(process.env['STRONGROOM_HISTORY_SEED'] ?? randomInt(2 ** 31))
const NODES = 3
const FAULTS = ['silence', 'refusal', 'slowness', 'slowness', 'cut'] as const
/** Longer than others wait for a node that is silent, and than they then need to rotate the key. */
const FAULT_MS_LONG = 7000

const server = await startPostgres()
const { local } = server
const skip = local === undefined && NOT_OURS
const schema = await openSchema(server, 'custody_history')
after(async () => {
  await schema.close()
  await server.stop()
})

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
const parts = { clock: machineClock, random: createRandom(), log: quiet }

interface Node {
  readonly state: NodeState
  readonly proxy: CuttingProxy
}

async function openNode(keyfile: string): Promise<Node> {
  const proxy = await openCuttingProxy(local?.tcpPort ?? 0)
  const password = encodeURIComponent(local?.password ?? '')
  const store = `postgres://tester:${password}@127.0.0.1:${proxy.port}/postgres?schema=custody_history`
  const options = { ...startOptionsFor(temporaryFolder()), store, keyfile }
  return { proxy, state: await openNodeState(options, parts, 'any') }
}

async function close({ state, proxy }: Node): Promise<void> {
  proxy.isStuck = false
  proxy.isUp = true
  await state.close()
  await proxy.close()
}

const secretOf = (name: string): Secret => new Secret(new TextEncoder().encode(`of ${name}`))

/** Inserts a secret, or wraps one that is there anew. */
const write = ({ records }: NodeState, name: string): Promise<void> =>
  records.transaction(async (tx) => {
    using secret = secretOf(name)
    const record = { name, createdAt: machineClock.now(), publicPart: '' }
    const stored = await tx.find(SERVICE_SECRETS, [name])
    if (stored === undefined) await tx.insert(SERVICE_SECRETS, record, secret)
    else await tx.update(SERVICE_SECRETS, stored, record, secret)
  })

async function opens({ records }: NodeState, name: string): Promise<boolean> {
  const stored = await records.find(SERVICE_SECRETS, [name])
  if (stored === undefined) return false
  using secret = records.unwrap(SERVICE_SECRETS, stored)
  return Buffer.from(secret.expose()).equals(Buffer.from(`of ${name}`))
}

/** One node after the other, and the first of them for long enough for others to rotate the key without it. */
async function disturb(nodes: readonly Node[], choice: SeededChoice, isOver: () => boolean) {
  for (let faults = 0; !isOver(); faults++) {
    await delay(choice.below(400))
    const { proxy } = nodes[choice.below(NODES)] ?? assert.fail()
    const what = faults === 0 ? 'silence' : (choice.of(FAULTS) ?? 'silence')
    if (what === 'silence') proxy.isStuck = true
    if (what === 'refusal') proxy.isUp = false
    if (what === 'slowness') proxy.delayMs = 120
    if (what === 'refusal' || what === 'cut') proxy.cut()
    const isLong = faults === 0 || choice.below(3) === 0
    await delay(isLong ? FAULT_MS_LONG : choice.below(600))
    if (what === 'silence') proxy.cut()
    proxy.isStuck = false
    proxy.isUp = true
    proxy.delayMs = 0
  }
}

describe('three nodes that are cut off and let go again while each rotates the domain key', {
  skip,
}, () => {
  test('lose no secret that they acknowledged, and read no row as if it were altered', async (t) => {
    t.diagnostic(`STRONGROOM_HISTORY_SEED=${SEED}`)
    const choice = new SeededChoice(SEED)
    const keyfile = join(temporaryFolder(), 'root.key')
    const nodes: Node[] = []
    while (nodes.length < NODES) nodes.push(await openNode(keyfile))
    const endMs = performance.now() + SECONDS * 1000
    const isOver = (): boolean => performance.now() > endMs
    const acknowledged = new Set<string>()
    const begun: string[] = []
    const wrong: string[] = []
    let rotations = 0
    const clients = nodes.flatMap(({ state }, at) => [
      (async () => {
        for (let number = 0; !isOver(); number++) {
          const name = `${at}-${number}`
          begun.push(name)
          try {
            await write(state, name)
            acknowledged.add(name)
          } catch {
            // It promised nothing.
          }
          await delay(choice.below(20))
        }
      })(),
      (async () => {
        while (!isOver()) {
          await delay(choice.below(20))
          // What is being written at this moment, too: whoever finds it must be able to read it.
          const name = choice.of(choice.below(2) === 0 ? begun.slice(-6) : begun)
          if (name === undefined || state.store.freshness?.isFresh() !== true) continue
          try {
            const isPromised = acknowledged.has(name)
            if (!(await opens(state, name)) && isPromised) wrong.push(`${name} at node ${at}`)
          } catch (error) {
            if (error instanceof IntegrityError) wrong.push(`${error.message} at node ${at}`)
          }
        }
      })(),
      (async () => {
        while (!isOver()) {
          await delay(choice.below(600))
          await rotateDomainKey(state, quiet).then(
            () => rotations++,
            () => undefined,
          )
        }
      })(),
    ])
    await Promise.all([disturb(nodes, choice, isOver), ...clients])
    await Promise.all(nodes.map(close))
    t.diagnostic(`${rotations} rotations, ${acknowledged.size} secrets`)
    assert.deepEqual(wrong.slice(0, 10), [])
    assert.ok(rotations > 0 && acknowledged.size > 10)
    const last = await openNode(keyfile)
    try {
      const { records, custody } = last.state
      await rotateDomainKey(last.state, quiet)
      assert.deepEqual(custody.retiredDomainKeyIds, [])
      await records.verifyAll(({ table, key, message }) =>
        assert.fail(`${table} ${key.join('/')}: ${message}`),
      )
      for (const name of acknowledged) assert.ok(await opens(last.state, name), name)
    } finally {
      await close(last)
    }
  })
})
