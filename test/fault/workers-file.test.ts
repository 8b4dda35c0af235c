import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { readFrames } from '../../src/audit/segments/read-frames.ts'
import { TABLES } from '../../src/core/tables.ts'
import { openEmbeddedStore } from '../../src/storage/embedded/embedded-store.ts'
import {
  runStrongroom,
  type ServerProcess,
  startServer,
  temporaryFolder,
} from '../support/server-process.ts'
import { blob, createKey, succeeded, textOf, WireClient } from '../support/wire-client.ts'

const WORKERS = ['--workers', '2']
const ENDS_MS_MAX = 30_000

const clientOf = ({ endpoint, credentials }: ServerProcess): WireClient =>
  new WireClient(endpoint, credentials.accessKeyId, 'us-east-1', credentials.secretAccessKey)

async function run(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runStrongroom(args)
  assert.equal(exitCode, 0, stderr)
  return stdout
}

async function refused(text: RegExp, ...args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runStrongroom(args)
  assert.equal(exitCode, 1, stderr)
  assert.match(stderr, text)
}

/** The text of each frame in a log. */
async function framesIn(folder: string): Promise<readonly string[]> {
  const frames: string[] = []
  for await (const { text } of readFrames(join(folder, 'audit'))) frames.push(text)
  return frames
}

/** Puts frames into the outbox of the second worker, which is not running, as a crash would leave them. */
async function leaveBehind(folder: string, frames: readonly string[]): Promise<void> {
  const store = await openEmbeddedStore({
    file: join(folder, 'strongroom.db'),
    tables: TABLES.map(({ schema }) => schema),
    nodeId: readFileSync(join(folder, 'workers', '2', 'node-id'), 'utf8').trim(),
  })
  await store.transaction(async (tx) => {
    for (const frame of frames) await tx.addOutbox(frame)
  })
  await store.close()
}

/** Rotates the root key, which is refused until the last worker has ended. */
async function rotatedAtLast(folder: string): Promise<void> {
  const until = performance.now() + ENDS_MS_MAX
  for (;;) {
    const { exitCode, stderr } = await runStrongroom(['rotate-root-key', '--data', folder])
    if (exitCode === 0) return
    assert.match(stderr, /another Strongroom process .*is using|uses the store as well/)
    assert.ok(performance.now() < until, 'the workers end')
    await delay(100)
  }
}

test('one file is served by workers or by one process, never by both, and nothing is lost between', async () => {
  const folder = temporaryFolder()
  const second = join(folder, 'workers', '2')
  const kept: string[] = []
  {
    await using server = await startServer({ dataFolder: folder, flags: WORKERS })
    const client = clientOf(server)
    const { id: KeyId } = await createKey(client)
    const reply = await client.kms('Encrypt', { KeyId, Plaintext: blob('x') })
    kept.push(textOf(succeeded(reply), 'CiphertextBlob'))
    client.close()
    // Whoever made the record, whoever is asked finds it.
    for (const data of [folder, second]) {
      assert.match(await run('explain', '--data', data, reply.requestId), /kms:Encrypt/)
    }

    for (const data of [folder, second]) {
      await refused(/another Strongroom process \(pid \d+\) is using/, 'start', '--data', data)
    }
    await refused(/is using .+workers$/m, 'start', '--data', folder, ...WORKERS)
    await refused(/uses the store as well/, 'rotate-root-key', '--data', folder)
    await refused(/uses the store as well/, 'rotate-root-key', '--data', second)
    for (const data of [folder, second]) {
      assert.match(await run('status', '--data', data), /^node +running/m)
    }
    await run('rotate-domain-key', '--data', second)
    await run('account', 'create', '--data', folder)

    // A worker that is down for a moment lets nobody in.
    const first = Number(readFileSync(join(folder, 'lock.pid'), 'utf8'))
    process.kill(first, 'SIGKILL')
    await refused(/is using/, 'start', '--data', folder, '--port', '0')

    // Nor do workers that are ending, because their supervisor was killed.
    process.kill(server.pid, 'SIGKILL')
    await rotatedAtLast(folder)
  }

  const frames = [...(await framesIn(folder)), ...(await framesIn(second))]
  const frame = frames.find((text) => text.includes('"requestID"')) ?? ''
  const id = /"requestID":"([^"]+)"/.exec(frame)?.[1] ?? assert.fail('no call is on the record')
  await leaveBehind(folder, [frame.replaceAll(id, 'left-behind')])
  {
    await using server = await startServer({ dataFolder: folder })
    await server.saysToOperator(/took over the audit records of a node that is gone/)
    const client = clientOf(server)
    for (const CiphertextBlob of kept) succeeded(await client.kms('Decrypt', { CiphertextBlob }))
    await refused(/is using/, 'start', '--data', second)
    await refused(/is using/, 'start', '--data', folder, ...WORKERS)
    client.close()
    await server.stop()
  }
  assert.equal((await framesIn(folder)).filter((text) => text.includes('left-behind')).length, 1)

  // What the second worker left is its own affair when it comes back.
  await leaveBehind(folder, [frame.replaceAll(id, 'left-again')])
  {
    await using server = await startServer({ dataFolder: folder, flags: WORKERS })
    const client = clientOf(server)
    for (const CiphertextBlob of kept) succeeded(await client.kms('Decrypt', { CiphertextBlob }))
    client.close()
    await server.stop()
  }
  const holders = [await framesIn(folder), await framesIn(second)].map(
    (found) => found.filter((text) => text.includes('left-again')).length,
  )
  assert.deepEqual(holders, [0, 1])
  for (const data of [folder, second]) await run('audit', 'verify', '--data', data)
})
