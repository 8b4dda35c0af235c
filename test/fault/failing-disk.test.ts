import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { readFrames } from '../../src/audit/segments/read-frames.ts'
import { verifyLog } from '../../src/audit/segments/verify-log.ts'
import { diskTrailObjects } from '../../src/audit/trail/trail-objects-disk.ts'
import { type ServerProcess, startServer, temporaryFolder } from '../support/server-process.ts'
import { checkChain, HOUR, openTestTrail } from '../support/trail-fixture.ts'
import {
  blob,
  createKey,
  listOf,
  refused,
  succeeded,
  textOf,
  WireClient,
} from '../support/wire-client.ts'
import { FileDisk, fillUp, letGoOfDisks, memoryDisk, noDisks, noFileDisks } from './small-disk.ts'

const MIB = 2 ** 20
const INTERNAL =
  'The request was rejected because of an internal error. The request can be retried.'
const CALLS_MAX = 2000

after(letGoOfDisks)

const clientOf = ({ endpoint, credentials }: ServerProcess): WireClient =>
  new WireClient(endpoint, credentials.accessKeyId, 'us-east-1', credentials.secretAccessKey)

const isReady = async ({ endpoint }: ServerProcess): Promise<boolean> =>
  (await fetch(`${endpoint}/-/ready`)).ok

/** The folder, and that of a second worker. */
const nodesIn = (dataFolder: string): readonly string[] =>
  [dataFolder, join(dataFolder, 'workers', '2')].filter((folder) => existsSync(folder))

/** How often each request id stands in the logs. */
async function recordedIn(dataFolder: string): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for (const folder of nodesIn(dataFolder)) {
    for await (const { text } of readFrames(join(folder, 'audit'))) {
      const id = /"requestID":"([^"]+)"/.exec(text)?.[1]
      if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1)
    }
  }
  return counts
}

/** What a client was told has happened. */
interface Acknowledged {
  readonly keys: string[]
  readonly ciphertexts: string[]
  readonly requests: string[]
}

/** One key, and something encrypted under it. False when the node failed one of the calls. */
async function makeAndUse(client: WireClient, into: Acknowledged): Promise<boolean> {
  const made = await client.kms('CreateKey', { Description: 'x'.repeat(2000) })
  if (made.status !== 200) {
    refused(made, 'KMSInternalException', INTERNAL, 500)
    return false
  }
  const KeyId = /"KeyId":"([^"]+)"/.exec(made.text)?.[1] ?? ''
  into.keys.push(KeyId)
  into.requests.push(made.requestId)
  const encrypted = await client.kms('Encrypt', { KeyId, Plaintext: blob(KeyId) })
  if (encrypted.status !== 200) {
    refused(encrypted, 'KMSInternalException', INTERNAL, 500)
    return false
  }
  into.ciphertexts.push(textOf(encrypted.json, 'CiphertextBlob'))
  into.requests.push(encrypted.requestId)
  return true
}

/** Nothing that was acknowledged is lost, and all of it is on the record, once. */
async function assertKept(
  dataFolder: string,
  told: Acknowledged,
  flags: readonly string[] = [],
): Promise<void> {
  await using server = await startServer({ dataFolder, flags })
  const client = clientOf(server)
  for (const KeyId of told.keys) succeeded(await client.kms('DescribeKey', { KeyId }))
  for (const CiphertextBlob of told.ciphertexts) {
    const opened = succeeded(await client.kms('Decrypt', { CiphertextBlob }))
    assert.ok(told.keys.includes(Buffer.from(textOf(opened, 'Plaintext'), 'base64').toString()))
  }
  await createKey(client)
  client.close()
  await server.stop()
  const recorded = await recordedIn(dataFolder)
  assert.deepEqual(
    told.requests.filter((id) => recorded.get(id) !== 1),
    [],
  )
  for (const folder of nodesIn(dataFolder)) {
    assert.deepEqual((await verifyLog(join(folder, 'audit'))).problems, [])
  }
}

const nothing = (): Acknowledged => ({ keys: [], ciphertexts: [], requests: [] })

test('a store on a full disk refuses changes, still decrypts, and goes on when there is room', {
  skip: noDisks,
}, async () => {
  const disk = memoryDisk(8 * MIB)
  await using server = await startServer({ flags: ['--store', join(disk, 'strongroom.db')] })
  const client = clientOf(server)
  const told = nothing()
  assert.ok(await makeAndUse(client, told))
  const makeRoom = fillUp(disk, 64 * 1024)
  for (let calls = 0; await makeAndUse(client, told); calls += 1) assert.ok(calls < CALLS_MAX)
  await server.saysToOperator(/"msg":"a request failed"/)
  await server.saysToOperator(/the store could not [a-z ]+: database or disk is full \(SQLite 13\)/)
  for (const CiphertextBlob of told.ciphertexts) {
    succeeded(await client.kms('Decrypt', { CiphertextBlob }))
  }
  refused(
    await client.kms('CreateKey', { Description: 'x'.repeat(2000) }),
    'KMSInternalException',
    INTERNAL,
    500,
  )
  assert.equal(await isReady(server), true)
  makeRoom()
  assert.ok(await makeAndUse(client, told))
  const listed = succeeded(await client.kms('ListKeys', { Limit: 1000 }))
  const ids = listOf(listed, 'Keys').map((key) => textOf(key, 'KeyId'))
  assert.deepEqual(new Set(ids), new Set(told.keys))
  client.close()
  await server.stop()
})

test('a trail on a full disk waits, is told once, and is whole when there is room', {
  skip: noDisks,
}, async () => {
  const disk = memoryDisk(2 * MIB)
  const trail = await openTestTrail({ objects: diskTrailObjects(join(disk, 'trail')) })
  await trail.event('a')
  const makeRoom = fillUp(disk, 0)
  trail.clock.advance(HOUR)
  await trail.delivery.round()
  await trail.delivery.round()
  assert.equal(trail.delivery.stats().failing, true)
  assert.deepEqual(trail.messages, [
    'the audit trail could not be delivered: nothing is lost, and it is tried again',
  ])
  makeRoom()
  await trail.delivery.round()
  assert.equal(trail.messages[1], 'the audit trail is delivered again')
  assert.deepEqual(
    (await checkChain(trail)).flatMap(({ events }) => events.flat()),
    ['a'],
  )
})

describe('a disk that fails', { skip: noFileDisks }, () => {
  test('in a sync, under store and log, answers nothing more and has all that was answered when it is sound', async () => {
    const backing = memoryDisk(160 * MIB)
    const disk = FileDisk.make(backing, 256 * MIB)
    const dataFolder = join(disk.path, 'data')
    const told = nothing()
    let makeRoom: () => void
    {
      await using server = await startServer({ dataFolder })
      const client = clientOf(server)
      for (let n = 0; n < 5; n += 1) assert.ok(await makeAndUse(client, told))
      // What the file system writes to new places is not taken any more, and a sync finds out.
      makeRoom = fillUp(backing, 0)
      for (let calls = 0; await makeAndUse(client, told); calls += 1) assert.ok(calls < CALLS_MAX)
      await server.saysToOperator(/"msg":"a request failed"/)
      await server.saysToOperator(/the audit log could not be written: requests fail until it can/)
      assert.equal(await isReady(server), false)
      client.close()
      await server.kill9()
    }
    makeRoom()
    await assertKept(join(disk.remounted().path, 'data'), told)
  })

  test('in a sync, under the store alone, ends all changes until a restart, and decrypts on', async () => {
    const backing = memoryDisk(40 * MIB)
    const disk = FileDisk.make(backing, 128 * MIB)
    const told = nothing()
    const dataFolder = temporaryFolder()
    const flags = (path: string): string[] => ['--store', join(path, 'strongroom.db')]
    let makeRoom: () => void
    {
      await using server = await startServer({ dataFolder, flags: flags(disk.path) })
      const client = clientOf(server)
      for (let n = 0; n < 5; n += 1) assert.ok(await makeAndUse(client, told))
      makeRoom = fillUp(backing, 0)
      for (let calls = 0; await makeAndUse(client, told); calls += 1) assert.ok(calls < CALLS_MAX)
      await server.saysToOperator(/the store could not commit: disk I\/O error \(SQLite 1034\)/)
      refused(await client.kms('CreateKey', {}), 'KMSInternalException', INTERNAL, 500)
      await server.saysToOperator(
        /a sync of the store failed: nothing more is written until Strongroom has been restarted/,
      )
      for (const CiphertextBlob of told.ciphertexts) {
        succeeded(await client.kms('Decrypt', { CiphertextBlob }))
      }
      client.close()
      await server.kill9()
    }
    makeRoom()
    await assertKept(dataFolder, told, flags(disk.remounted().path))
  })

  test('in a sync, under the store of two workers, ends the changes of both', async () => {
    const backing = memoryDisk(40 * MIB)
    const disk = FileDisk.make(backing, 128 * MIB)
    const told = nothing()
    const dataFolder = temporaryFolder()
    const flags = ['--store', join(disk.path, 'strongroom.db')]
    let makeRoom: () => void
    {
      await using server = await startServer({ dataFolder, flags: [...flags, '--workers', '2'] })
      const client = clientOf(server)
      for (let n = 0; n < 5; n += 1) assert.ok(await makeAndUse(client, told))
      makeRoom = fillUp(backing, 0)
      for (let calls = 0; await makeAndUse(client, told); calls += 1) assert.ok(calls < CALLS_MAX)
      await server.saysToOperator(
        /a sync of the store failed\. Nothing more is written until all workers have been stopped/,
      )
      // Each connection may be the other worker's.
      for (let n = 0; n < 12; n += 1) {
        const other = clientOf(server)
        refused(await other.kms('CreateKey', {}), 'KMSInternalException', INTERNAL, 500)
        for (const CiphertextBlob of told.ciphertexts.slice(0, 2)) {
          succeeded(await other.kms('Decrypt', { CiphertextBlob }))
        }
        other.close()
      }
      // None is started again: it could not write what a start writes, and must not.
      const second = readFileSync(join(dataFolder, 'workers', '2', 'lock.pid'), 'utf8')
      process.kill(Number(second), 'SIGKILL')
      await server.saysToOperator(/a worker has ended\. Nothing more is written/)
      client.close()
      await server.kill9()
    }
    makeRoom()
    const kept = join(disk.remounted().path, 'strongroom.db')
    await assertKept(dataFolder, told, ['--store', kept])
  })

  test('for good, and is read-only from then on, answers nothing; a start on it says so', async () => {
    const disk = FileDisk.make(memoryDisk(160 * MIB), 256 * MIB)
    const dataFolder = join(disk.path, 'data')
    const told = nothing()
    {
      await using server = await startServer({ dataFolder })
      const client = clientOf(server)
      for (let n = 0; n < 5; n += 1) assert.ok(await makeAndUse(client, told))
      disk.failForGood()
      assert.equal(await makeAndUse(client, told), false)
      const [CiphertextBlob = ''] = told.ciphertexts
      refused(
        await client.kms('Decrypt', { CiphertextBlob }),
        'KMSInternalException',
        INTERNAL,
        500,
      )
      assert.equal(await isReady(server), false)
      await server.saysToOperator(/the audit log could not be written: requests fail until it can/)
      client.close()
      await server.kill9()
    }
    await assert.rejects(
      startServer({ dataFolder }),
      /ended with 1[^]*the data folder .+ cannot be locked: EROFS: read-only file system/,
    )
    await assertKept(join(disk.remounted().path, 'data'), told)
  })

  test('by losing power has everything that was answered', async () => {
    const backing = memoryDisk(320 * MIB)
    const disk = FileDisk.make(backing, 256 * MIB)
    const dataFolder = join(disk.path, 'data')
    const told = nothing()
    let copy: FileDisk
    {
      await using server = await startServer({ dataFolder })
      const client = clientOf(server)
      for (let n = 0; n < 40; n += 1) assert.ok(await makeAndUse(client, told))
      copy = disk.afterPowerCut(backing)
      client.close()
      await server.kill9()
    }
    await assertKept(join(copy.path, 'data'), told)
  })
})
