import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { NOT_OURS } from '../support/postgres-server.ts'
import {
  runStrongroom,
  type ServerProcess,
  startServer,
  temporaryFolder,
} from '../support/server-process.ts'
import { blob, createKey, refused, succeeded, WireClient } from '../support/wire-client.ts'
import { REGION } from './history-client.ts'
import { Cluster, type ClusterNode } from './history-cluster.ts'
import { FileDisk, letGoOfDisks, noFileDisks } from './small-disk.ts'

const PATIENCE_MS = 30_000
const MINUTE_MS = 60_000

const flags = ['--log-level', 'warn']
const cluster = await Cluster.start({ nodes: 2, hasLease: true, flags })
const skip = cluster === undefined && NOT_OURS

describe('of several nodes', { skip }, () => {
  /** On the node of that number, or on a process that is none of the cluster's. */
  const clientOf = (process: ServerProcess | undefined): WireClient => {
    assert.ok(cluster && process)
    const { accessKeyId, secretAccessKey } = cluster.root
    return new WireClient(process.endpoint, accessKeyId, REGION, secretAccessKey)
  }
  const nodeAt = (at: number): ClusterNode => cluster?.nodes[at] ?? assert.fail()
  let one: WireClient
  let two: WireClient
  let KeyId: string

  before(async () => {
    one = clientOf(nodeAt(0).process)
    two = clientOf(nodeAt(1).process)
    KeyId = (await createKey(one)).id
  })

  after(async () => {
    one.close()
    two.close()
    await cluster?.close()
    letGoOfDisks()
  })

  const encrypt = (client: WireClient) =>
    client.kms('Encrypt', { KeyId, Plaintext: blob('what is to be kept') })

  async function becomes(process: ServerProcess | undefined, status: 200 | 503): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    while ((await fetch(`${process?.endpoint}/-/ready`)).status !== status) {
      assert.ok(performance.now() < deadline, `/-/ready says ${status}\n${process?.stderr}`)
      await delay(50)
    }
  }

  test('one that was away for longer than the feed is kept says so, and uses nothing that was revoked', async () => {
    succeeded(await encrypt(two))
    const { proxy, process, database } = nodeAt(1)
    proxy.isStuck = true
    succeeded(await one.kms('DisableKey', { KeyId }))
    const admin = new pg.Client({ connectionString: database.url })
    await admin.connect()
    await admin.query('DELETE FROM history.change')
    await admin.end()
    proxy.isStuck = false
    proxy.cut()
    await becomes(process, 200)
    refused(await encrypt(two), 'DisabledException', /is disabled/)
    await process?.saysToOperator(/the change feed no longer has all that was changed while this/)
    succeeded(await two.kms('EnableKey', { KeyId }))
    succeeded(await encrypt(one))
  })

  test('one whose clock is off by more than five minutes refuses signatures, and the others serve', async () => {
    nodeAt(1).setClock(10 * MINUTE_MS)
    const deadline = performance.now() + PATIENCE_MS
    let answer = await encrypt(two)
    // A busy machine may make it miss its lease for a moment.
    while ([200, 503].includes(answer.status) && performance.now() < deadline) {
      answer = await encrypt(two)
    }
    refused(answer, 'InvalidSignatureException', /Signature expired/)
    succeeded(await one.kms('DisableKey', { KeyId }))
    nodeAt(1).setClock(-4 * MINUTE_MS)
    while (answer.json['__type'] !== 'DisabledException' && performance.now() < deadline) {
      answer = await encrypt(two)
      assert.notEqual(answer.status, 200)
    }
    refused(answer, 'DisabledException', /is disabled/)
    nodeAt(1).setClock(0)
    succeeded(await one.kms('EnableKey', { KeyId }))
  })

  test('one with the root key of another store does not start', async () => {
    const other = temporaryFolder()
    const made = await runStrongroom(['init', '--data', other, '--region', REGION])
    assert.equal(made.exitCode, 0, made.stderr)
    const folder = temporaryFolder()
    const start = ['start', '--port', '0', '--data', folder, '--region', REGION]
    const env = cluster?.env[0] ?? {}
    const run = await runStrongroom([...start, '--keyfile', join(other, 'root.key')], { env })
    assert.equal(run.exitCode, 1)
    assert.match(
      run.stderr,
      /the key file .* is of another store: it holds root key [0-9a-f]+, this store is sealed with/,
    )
    succeeded(await encrypt(one))
  })

  test('one whose disk fails answers nothing, and the others serve and change', {
    skip: noFileDisks,
  }, async () => {
    const disk = FileDisk.make(temporaryFolder(), 96 * 2 ** 20)
    await using third = await startServer({
      dataFolder: join(disk.path, 'data'),
      env: cluster?.env[0] ?? {},
      flags: ['--keyfile', cluster?.keyfile ?? '', '--region', REGION],
    })
    const three = clientOf(third)
    succeeded(await encrypt(three))
    disk.failForGood()
    const answer = await encrypt(three)
    refused(answer, 'KMSInternalException', /internal error/, 500)
    await becomes(third, 503)
    await third.saysToOperator(/the audit log could not be written: requests fail until it can/)
    succeeded(await encrypt(one))
    succeeded(await two.kms('DisableKey', { KeyId }))
    succeeded(await one.kms('EnableKey', { KeyId }))
    three.close()
    await third.kill9()
  })
})
