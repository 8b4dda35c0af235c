import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { NOT_OURS } from '../support/postgres-server.ts'
import { runStrongroom, temporaryFolder } from '../support/server-process.ts'
import { createKey, succeeded, WireClient } from '../support/wire-client.ts'
import { REGION } from './history-client.ts'
import { Cluster } from './history-cluster.ts'

const PATIENCE_MS = 45_000

test('workers whose port is taken do not start, and say so', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const address = taken.address()
  const port = typeof address === 'object' ? String(address?.port) : ''
  const where = ['--data', temporaryFolder(), '--store', 'postgres://nobody@127.0.0.1:1/none']
  const run = await runStrongroom(['start', '--workers', '2', '--port', port, ...where])
  taken.close()
  assert.equal(run.exitCode, 1)
  assert.match(run.stderr, new RegExp(`port ${port} .*in use`))
})

test('a worker that cannot start again is tried again, and the others serve', async (t) => {
  const flags = ['--workers', '2', '--log-level', 'warn']
  const cluster = await Cluster.start({ nodes: 1, hasLease: true, flags })
  if (cluster === undefined) return t.skip(NOT_OURS)
  try {
    const [node] = cluster.nodes
    assert.ok(node)
    const { accessKeyId, secretAccessKey } = cluster.root
    const client = new WireClient(node.endpoint(), accessKeyId, REGION, secretAccessKey)
    const { id: KeyId } = await createKey(client)
    // Each on a connection of its own, so that the system chooses among those who listen.
    const serves = async (): Promise<void> => {
      const headers = { connection: 'close' }
      for (let calls = 0; calls < 10; calls++)
        succeeded(await client.kms('DescribeKey', { KeyId }, { headers }))
    }
    await serves()

    const second = join(node.folder, 'workers', '2')
    const log = join(second, 'audit')
    const segment = join(log, readdirSync(log).sort()[0] ?? '')
    const whole = readFileSync(segment)
    const damaged = Buffer.from(whole)
    damaged.fill(0xff, 200, 300)
    process.kill(Number(readFileSync(join(second, 'lock.pid'), 'utf8')), 'SIGKILL')
    writeFileSync(segment, damaged)
    await node.process?.saysToOperator(/the audit log is damaged/)
    await node.process?.saysToOperator(
      /"worker":2,"why":"exit code 1","pauseMs":\d+,"msg":"a worker has ended, and is started again"/,
    )
    await serves()

    writeFileSync(segment, whole)
    const deadline = performance.now() + PATIENCE_MS
    const isUp = async (): Promise<boolean> => {
      const metrics = await fetch(`${node.endpoint()}/-/metrics`, {
        headers: { Connection: 'close' },
      })
      return (await metrics.text()).includes('strongroom_worker_up{worker="2"} 1\n')
    }
    while (!(await isUp())) {
      assert.ok(performance.now() < deadline, `worker 2 serves again\n${node.process?.stderr}`)
      await delay(100)
    }
    await serves()
    client.close()
    await cluster.stopNodes()
  } finally {
    await cluster.close()
  }
})
