import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { verifyLog } from '../../src/audit/segments/verify-log.ts'
import { type Fate, onCommit, openCuttingProxy } from '../support/cutting-proxy.ts'
import { NOT_OURS, startPostgres } from '../support/postgres-server.ts'
import {
  runStrongroom,
  type ServerProcess,
  startServer,
  temporaryFolder,
} from '../support/server-process.ts'
import { WireClient } from '../support/wire-client.ts'
import type { Extent } from './mutation-cases.ts'
import { cutChangesOff, prepareAll, recordedIn } from './mutation-cuts.ts'

const server = await startPostgres()
const { local } = server
const skip = local === undefined && NOT_OURS
const proxy = await openCuttingProxy(local?.tcpPort ?? 0)
const storeAt = (port: number | undefined, schema: string): string =>
  `postgres://tester:${encodeURIComponent(local?.password ?? '')}@127.0.0.1:${port}/postgres?schema=${schema}`
for (const schema of ['cut', 'killed']) {
  const env = { STRONGROOM_STORE: storeAt(local?.tcpPort, schema) }
  if (skip === false) await runStrongroom(['migrate'], { env })
}
after(async () => {
  await proxy.close()
  await server.stop()
})

describe('every change of a key, grant, alias, user or role, on PostgreSQL', { skip }, () =>
  cutChangesOff(temporaryFolder(), storeAt(local?.tcpPort, 'cut')),
)

describe('changes whose commit goes to PostgreSQL', { skip }, () => {
  const folder = temporaryFolder()
  let node: ServerProcess
  before(async () => {
    node = await start()
  })
  after(() => node.kill9())
  const start = (): Promise<ServerProcess> =>
    startServer({
      dataFolder: folder,
      env: { STRONGROOM_STORE: storeAt(proxy.port, 'killed') },
      flags: ['--region', 'us-east-1'],
    })
  const clientOf = ({ endpoint, credentials }: ServerProcess): WireClient =>
    new WireClient(endpoint, credentials.accessKeyId, 'us-east-1', credentials.secretAccessKey)

  async function epoch(): Promise<number> {
    const client = new pg.Client({ connectionString: server.url })
    await client.connect()
    const { rows } = await client.query("SELECT value FROM killed.counter WHERE name = 'epoch'")
    await client.end()
    return Number(rows[0]?.value)
  }

  /**
   * Sends every change at once, gives their first commit a fate, and kills the node there.
   * @returns how much of each there is after the next start, and the names of those that are on the record then
   */
  async function killAt(fate: Fate): Promise<{
    readonly extents: ReadonlyMap<string, Extent>
    readonly recorded: readonly string[]
  }> {
    const client = clientOf(node)
    const mutations = await prepareAll(client)
    const earlier = await recordedIn(folder)
    const epochBefore = await epoch()
    const met = Promise.withResolvers<void>()
    onCommit(proxy, fate, () => {
      // Nobody may find out about it, or try it again.
      proxy.isUp = false
      met.resolve()
    })
    const calls = Promise.allSettled(mutations.map((mutation) => mutation.call(client)))
    await met.promise
    if (fate === 'lose answer') while ((await epoch()) === epochBefore) await delay(10)
    await node.kill9()
    const answers = await calls
    assert.ok(answers.every(({ status }) => status === 'rejected'))
    client.close()
    proxy.cut()
    proxy.isUp = true
    node = await start()
    const { done, failed, names } = await recordedIn(folder)
    assert.equal(failed.size, earlier.failed.size)
    const late = clientOf(node)
    const extents = new Map<string, Extent>()
    for (const mutation of mutations) extents.set(mutation.name, await mutation.extent(late))
    late.close()
    assert.deepEqual((await verifyLog(join(folder, 'audit'))).problems, [])
    const recorded: string[] = []
    for (const [id, times] of done) {
      const name = names.get(id) ?? ''
      // Events of the service's own come with some.
      if (earlier.done.has(id) || !extents.has(name)) continue
      assert.equal(times, 1, name)
      recorded.push(name)
    }
    return { extents, recorded: recorded.toSorted() }
  }

  test('and is lost on the way, with the process, are not there and not recorded', async () => {
    const { extents, recorded } = await killAt('lose')
    assert.deepEqual(new Set(extents.values()), new Set(['none']))
    assert.deepEqual(recorded, [])
  })

  test('and arrives, but the process dies before it hears of that, are there whole and recorded once', async () => {
    const { extents, recorded } = await killAt('lose answer')
    // Those that shared the commit; the others waited for the next one.
    const whole = [...extents].filter(([, extent]) => extent === 'all').map(([name]) => name)
    assert.notEqual(whole.length, 0)
    assert.ok(!extents.values().some((extent) => extent === 'half'))
    assert.deepEqual(recorded, whole.toSorted())
  })

  for (const fate of ['lose', 'lose answer'] as const) {
    test(`in a process that goes on, are answered and there once: ${fate}`, async () => {
      const client = clientOf(node)
      const mutations = await prepareAll(client)
      onCommit(proxy, fate)
      const answers = await Promise.all(mutations.map((mutation) => mutation.call(client)))
      for (const [at, mutation] of mutations.entries()) {
        assert.equal(answers[at]?.status, 200, `${mutation.name} ${answers[at]?.text}`)
        assert.equal(await mutation.extent(client), 'all', mutation.name)
      }
      client.close()
      const { done } = await recordedIn(folder)
      const times = answers.map(({ requestId }) => done.get(requestId))
      assert.deepEqual(
        times,
        answers.map(() => 1),
      )
    })
  }
})
