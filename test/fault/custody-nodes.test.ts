import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, afterEach, describe, test } from 'node:test'
import { FrameWriter } from '../../src/audit/event.ts'
import { Secret } from '../../src/core/secret.ts'
import { SERVICE_SECRETS } from '../../src/core/tables.ts'
import type { CommitSetting } from '../../src/crypto/custody.ts'
import { CUSTODY_SETTING } from '../../src/crypto/custody.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { machineClock } from '../../src/server/clocks.ts'
import { type NodeState, openNodeState } from '../../src/server/node/node-state.ts'
import { LocalOperator } from '../../src/server/operator/local-operator.ts'
import { openCuttingProxy } from '../support/cutting-proxy.ts'
import { NOT_OURS, startPostgres } from '../support/postgres-server.ts'
import { openSchema } from '../support/postgres-stores.ts'
import { temporaryFolder } from '../support/server-process.ts'
import { startOptionsFor } from '../support/stopped-node.ts'

// What rests in the store must open, whatever happens to a node while the domain key is rotated: each test ends by opening all of it.

const server = await startPostgres()
const { local } = server
const skip = local === undefined && NOT_OURS
const schema = await openSchema(server, 'custody_nodes')
const proxy = await openCuttingProxy(local?.tcpPort ?? 0)
after(async () => {
  await proxy.close()
  await schema.close()
  await server.stop()
})

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
const parts = { clock: machineClock, random: createRandom(), log: quiet }

let keyfile = join(temporaryFolder(), 'root.key')
const opened: NodeState[] = []
async function openNode(throughProxy = false): Promise<NodeState> {
  const password = encodeURIComponent(local?.password ?? '')
  const port = throughProxy ? proxy.port : local?.tcpPort
  const store = `postgres://tester:${password}@127.0.0.1:${port}/postgres?schema=custody_nodes`
  const options = { ...startOptionsFor(temporaryFolder()), store, keyfile }
  const state = await openNodeState(options, parts, 'any')
  opened.push(state)
  return state
}
afterEach(async () => {
  proxy.isStuck = false
  proxy.isUp = true
  for (const state of opened.splice(0)) await state.close()
  await schema.empty()
  keyfile = join(temporaryFolder(), 'root.key')
})

/** An operator of a node, some of whose parts may be made to fail. */
const operatorOf = (state: NodeState, log = quiet): LocalOperator =>
  new LocalOperator({
    ...parts,
    log,
    state,
    openTrail: async () => ({ recordCommitted: async () => undefined }),
    openSearch: () => Promise.reject(new Error('not asked for')),
    frames: new FrameWriter(),
    describe: () => Promise.reject(new Error('not asked for')),
  })

const nameOf = (number: number): string => `secret ${number}`
const put = ({ records }: NodeState, number: number): Promise<void> =>
  records.transaction(async (tx) => {
    using secret = new Secret(new TextEncoder().encode(nameOf(number)))
    const record = { name: nameOf(number), createdAt: machineClock.now(), publicPart: '' }
    await tx.insert(SERVICE_SECRETS, record, secret)
  })

async function assertOpens({ records }: NodeState, number: number): Promise<void> {
  const stored = await records.find(SERVICE_SECRETS, [nameOf(number)])
  assert.ok(stored, nameOf(number))
  using secret = records.unwrap(SERVICE_SECRETS, stored)
  assert.equal(new TextDecoder().decode(secret.expose()), nameOf(number))
}

/** Opens all that is in the store on a node that is new to it; every row is under the present key, and no other key is left. */
async function assertSound(secrets: number): Promise<void> {
  const state = await openNode()
  const { records, custody, rows } = state
  await records.verifyAll(({ table, key, message }) =>
    assert.fail(`${table} ${key.join('/')}: ${message}`),
  )
  for (let number = 0; number < secrets; number++) await assertOpens(state, number)
  assert.deepEqual(custody.retiredDomainKeyIds, [])
  const page = await rows.page(SERVICE_SECRETS.schema, { index: 'key', equals: [], limit: 1000 })
  assert.equal(page.length, secrets)
  assert.ok(page.every((row) => custody.isCurrent(row)))
  assert.equal(await rows.setting(CUSTODY_SETTING), custody.settingText)
}

/** Lets commits through until the one with this number, which fails, done or not done. */
const failingAt =
  (commit: CommitSetting, number: number, isDone: boolean): CommitSetting =>
  async (next, previous) => {
    if (number-- > 0) return commit(next, previous)
    if (isDone) await commit(next, previous)
    throw new Error('the reply was lost')
  }

describe('a domain key that is rotated while other nodes live', { skip }, () => {
  test('is the one that every node uses when the command has returned', async () => {
    const [one, two] = [await openNode(), await openNode()]
    const before = one.custody.currentDomainKeyId
    let secrets = 0
    const over = new AbortController()
    const writing = [one, two].map(async (state) => {
      while (!over.signal.aborted) {
        const number = secrets++
        await put(state, number)
        await assertOpens(one, number)
        await assertOpens(two, number)
      }
    })
    while (secrets < 40) await put(one, secrets++)
    const done = await operatorOf(one).rotateDomainKey()
    over.abort()
    assert.ok(done.rewrapped >= 40)
    assert.notEqual(done.domainKeyId, before)
    for (const { custody } of [one, two]) {
      assert.equal(custody.currentDomainKeyId, done.domainKeyId)
      assert.deepEqual(custody.retiredDomainKeyIds, [])
    }
    await Promise.all(writing)
    await put(two, secrets++)
    await assertOpens(one, secrets - 1)
    await assertSound(secrets)
  })

  test('is the one under which a node writes that was cut off meanwhile', async () => {
    const one = await openNode()
    const cutOff = await openNode(true)
    await put(cutOff, 0)
    proxy.isStuck = true
    const late = put(cutOff, 1)
    const { domainKeyId } = await operatorOf(one).rotateDomainKey()
    assert.notEqual(cutOff.custody.currentDomainKeyId, domainKeyId)
    proxy.isStuck = false
    proxy.cut()
    await late
    assert.equal(cutOff.custody.currentDomainKeyId, domainKeyId)
    await assertOpens(one, 1)
    await cutOff.store.freshness?.whenFresh(10_000)
    await assertOpens(cutOff, 0)
    await assertSound(2)
  })

  test('may be rotated by two nodes at once: both rotations hold, or one is refused', async () => {
    const [one, two] = [await openNode(), await openNode()]
    for (let number = 0; number < 60; number++) await put(one, number)
    const both = await Promise.allSettled(
      [one, two].map((state) => operatorOf(state).rotateDomainKey()),
    )
    assert.ok(both.some(({ status }) => status === 'fulfilled'))
    for (const result of both) {
      if (result.status === 'rejected') assert.match(String(result.reason), /changed the keys/)
    }
    await operatorOf(two).rotateDomainKey()
    await assertSound(60)
  })

  for (const step of [0, 1, 2]) {
    for (const isDone of [false, true]) {
      test(`may be rotated again after commit ${step} was ${isDone ? 'done' : 'not done'} and nobody knew`, async () => {
        const [one, two] = [await openNode(), await openNode()]
        await put(one, 0)
        await put(two, 1)
        const commitSetting = failingAt(one.commitSetting, step, isDone)
        const failing = operatorOf({ ...one, commitSetting }).rotateDomainKey()
        await assert.rejects(failing, /reply was lost/)
        await put(one, 2)
        await put(two, 3)
        for (const number of [0, 1, 2, 3]) {
          await assertOpens(one, number)
          await assertOpens(two, number)
        }
        await operatorOf(step === 1 ? one : two).rotateDomainKey()
        await assertSound(4)
      })
    }
  }

  test('may be rotated again by another node after a crash in the middle of the rows', async () => {
    const one = await openNode()
    for (let number = 0; number < 70; number++) await put(one, number)
    const log = { ...quiet, info: () => assert.fail('the crash') }
    await assert.rejects(operatorOf(one, log).rotateDomainKey(), /the crash/)
    const two = await openNode()
    assert.equal(two.custody.retiredDomainKeyIds.length, 1)
    await assertOpens(two, 69)
    await operatorOf(two).rotateDomainKey()
    await assertSound(70)
  })
})

describe('the root key', { skip }, () => {
  test('is rotated by one node alone: the others are named', async () => {
    const one = await openNode()
    const [two, three] = [await openNode(), await openNode()]
    await assert.rejects(operatorOf(one).rotateRootKey(), (error: Error) =>
      /^the nodes [0-9a-f-]{36}, [0-9a-f-]{36} use the store as well/.test(error.message),
    )
    await two.close()
    await three.close()
    await put(one, 0)
    const { rootKeyId } = await operatorOf(one).rotateRootKey()
    await put(one, 1)
    assert.equal(one.custody.rootKeyId, rootKeyId)
    await one.close()
    opened.length = 0
    await assertSound(2)
  })

  test('that was rotated behind a node ends that node: it writes nothing under the old one', async () => {
    const [one, two] = [await openNode(), await openNode()]
    await put(two, 0)
    // As where the other node was started a moment after its absence had been made sure of.
    await one.custody.rotateRootKey({ commit: one.commitSetting })
    assert.match((await two.ended).message, /root key of the store was rotated by another process/)
    await assert.rejects(put(two, 1), /root key of the store was rotated/)
    await put(one, 1)
    await assertSound(2)
  })
})
