import assert from 'node:assert/strict'
import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { segmentName } from '../../src/audit/segments/segment-format.ts'
import {
  runStrongroom,
  type ServerProcess,
  startServer,
  temporaryFolder,
} from '../support/server-process.ts'
import { createKey, refused, succeeded, WireClient } from '../support/wire-client.ts'

// A disk that confirms a sync and loses what was synced cannot be told from one that is put back to an
// earlier state: here the files of store or log are.

const STORE = ['strongroom.db', 'strongroom.db-wal']
const LOG = [join('audit', segmentName(1))]
const HEAD_NOTED_MS = 1500

const clientOf = ({ endpoint, credentials }: ServerProcess): WireClient =>
  new WireClient(endpoint, credentials.accessKeyId, 'us-east-1', credentials.secretAccessKey)

/** Keys that were acknowledged before and after the moment to which the files are put back, by kill -9. */
async function loseWhatWasSynced(dataFolder: string, names: readonly string[]) {
  const kept = temporaryFolder()
  await using server = await startServer({ dataFolder })
  const client = clientOf(server)
  const before = await createKey(client)
  for (const [at, name] of names.entries()) {
    copyFileSync(join(dataFolder, name), join(kept, String(at)))
  }
  const lost = [await createKey(client), await createKey(client)]
  // Until the store knows how far the log has got.
  await delay(HEAD_NOTED_MS)
  client.close()
  await server.kill9()
  for (const [at, name] of names.entries()) {
    copyFileSync(join(kept, String(at)), join(dataFolder, name))
  }
  rmSync(join(dataFolder, 'strongroom.db-shm'), { force: true })
  return { before, lost }
}

describe('a disk that confirmed what it has lost', () => {
  test('of the store: what is missing is told at the next start, and stands in the log', async () => {
    const dataFolder = temporaryFolder()
    const { before, lost } = await loseWhatWasSynced(dataFolder, STORE)
    {
      await using server = await startServer({ dataFolder })
      assert.match(
        server.stderr,
        /"missing":2,"msg":"the store is older than the audit log: changes that are on the record are not in it"/,
      )
      const client = clientOf(server)
      succeeded(await client.kms('DescribeKey', { KeyId: before.id }))
      for (const { id } of lost) {
        refused(await client.kms('DescribeKey', { KeyId: id }), 'NotFoundException', /./)
      }
      succeeded(await client.kms('DisableKey', { KeyId: before.id }))
      client.close()
      await server.stop()
    }
    const { stdout } = await runStrongroom(['audit', 'cat', '--data', dataFolder])
    for (const { id } of lost) assert.ok(stdout.includes(id))
    await using again = await startServer({ dataFolder })
    assert.doesNotMatch(again.stderr, /older than the audit log/)
    await again.stop()
  })

  test('of the log: the node does not start before somebody has accepted the damage', async () => {
    const dataFolder = temporaryFolder()
    await loseWhatWasSynced(dataFolder, LOG)
    await assert.rejects(startServer({ dataFolder }), /ended with 1[^]*the audit log is damaged: /)
    await using server = await startServer({ dataFolder, flags: ['--accept-audit-damage'] })
    await server.stop()
  })
})
