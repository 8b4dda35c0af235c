import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  CreateKeyCommand,
  DescribeKeyCommand,
  EncryptCommand,
  KMSClient,
  KMSServiceException,
} from '@aws-sdk/client-kms'
import { readFrames } from '../../src/audit/segments/read-frames.ts'
import { verifyLog } from '../../src/audit/segments/verify-log.ts'
import { machineClock } from '../../src/server/clocks.ts'
import { initFolder } from '../../src/server/init-folder.ts'
import { startServer } from '../support/server-process.ts'
import { startOptionsFor, withStoppedNode } from '../support/stopped-node.ts'
import { append } from './audit-fixture.ts'

/** Room for the store, a segment of the log, and most of another one. */
const DISK_BYTES = 72 * 2 ** 20
const SEGMENT_BYTES = 32 * 2 ** 20
const disk = mkdtempSync(join(tmpdir(), 'strongroom-disk-'))
const size = `size=${DISK_BYTES},mode=700`
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', disk])
const skip = mounted.status === 0 ? false : 'a small file system can only be mounted by root'
if (skip !== false) rmdirSync(disk)

const CALLS_MAX = 3000
const IN_FLIGHT = 8
/** What is left of the first segment when the node starts. Unit: bytes. */
const LEFT_BYTES = 200_000

/** A folder whose segment is nearly full: with few frames, because writing it is not what is tested. */
async function fullFolder(folder: string): Promise<void> {
  await initFolder(startOptionsFor(folder))
  await withStoppedNode(folder, machineClock, async ({ audit }) => {
    for (let left = SEGMENT_BYTES - LEFT_BYTES; left > 0; left -= 1_000_000) {
      const filler = 'x'.repeat(Math.min(left, 1_000_000))
      const frame = `{"kind":"background","internal":{"filler":"${filler}"},"records":[]}`
      assert.equal(await append(audit.log, frame), undefined)
    }
    assert.equal(audit.log.head().segment, 1)
  })
}

/** How often each request id stands in a log. */
async function recordedRequests(auditFolder: string): Promise<ReadonlyMap<string, number>> {
  const recorded = new Map<string, number>()
  for await (const { text } of readFrames(auditFolder)) {
    const id = /"requestID":"([^"]+)"/.exec(text)?.[1]
    if (id !== undefined) recorded.set(id, (recorded.get(id) ?? 0) + 1)
  }
  return recorded
}

describe('a node on a disk that is full', { skip }, () => {
  after(() => {
    spawnSync('umount', [disk])
    rmdirSync(disk)
  })

  test('fails requests, answers none unrecorded, and goes on by itself when there is room', async () => {
    const folder = join(disk, 'data')
    await fullFolder(folder)
    const ballast = join(disk, 'ballast')
    // The segment that is being prepared does not fit any more.
    writeFileSync(ballast, Buffer.alloc(DISK_BYTES - SEGMENT_BYTES - 16 * 2 ** 20))
    const server = await startServer({ dataFolder: folder, flags: ['--log-level', 'silent'] })
    const client = new KMSClient({
      endpoint: server.endpoint,
      region: 'us-east-1',
      credentials: server.credentials,
      maxAttempts: 1,
    })
    const { KeyMetadata } = await client.send(new CreateKeyCommand({}))
    const KeyId = KeyMetadata?.KeyId ?? ''
    const answered: string[] = []
    const failures: string[] = []

    const encrypt = async (): Promise<void> => {
      const input = { KeyId, Plaintext: Buffer.from('x'), EncryptionContext: { a: 'b' } }
      try {
        const { $metadata } = await client.send(new EncryptCommand(input))
        answered.push($metadata.requestId ?? '')
      } catch (error) {
        assert.ok(error instanceof KMSServiceException, String(error))
        failures.push(error.name)
      }
    }
    const isReady = async (): Promise<boolean> => (await fetch(`${server.endpoint}/-/ready`)).ok

    let calls = 0
    const callOn = async (): Promise<void> => {
      for (; failures.length === 0 && calls < CALLS_MAX; calls += 1) await encrypt()
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, callOn))
    assert.ok(answered.length > 20, 'the segment that is there was written to its end')
    assert.ok(failures.length > 0, `no call of ${calls} failed`)
    assert.deepEqual(new Set(failures), new Set(['KMSInternalException']))

    // Neither reads nor changes are answered now.
    await assert.rejects(client.send(new DescribeKeyCommand({ KeyId })), {
      name: 'KMSInternalException',
    })
    await assert.rejects(client.send(new CreateKeyCommand({})), { name: 'KMSInternalException' })
    assert.equal(await isReady(), false)

    rmSync(ballast)
    let recovered = false
    for (let attempt = 0; attempt < 100 && !recovered; attempt += 1) {
      await delay(100)
      const before = answered.length
      await encrypt()
      recovered = answered.length > before
    }
    assert.ok(recovered, 'it goes on without a restart')
    assert.equal(await isReady(), true)
    await client.send(new CreateKeyCommand({}))
    client.destroy()
    await server.stop()

    const recorded = await recordedRequests(join(folder, 'audit'))
    assert.deepEqual(
      answered.filter((id) => recorded.get(id) !== 1),
      [],
      'every answer is recorded, once',
    )
    const verified = await verifyLog(join(folder, 'audit'))
    assert.deepEqual(verified.problems, [])
    assert.ok(verified.segments >= 2)
  })
})
