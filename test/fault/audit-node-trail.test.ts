import assert from 'node:assert/strict'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { publicKeyPem } from '../../src/audit/trail/trail-signing-keys.ts'
import type { FolderOptions, TrailVerdict } from '../../src/cli/program.ts'
import { HOUR_MS } from '../../src/core/hours.ts'
import { instant } from '../../src/core/ids.ts'
import { machineClock } from '../../src/server/clocks.ts'
import { openNodeTrail } from '../../src/server/node/compose-trail.ts'
import { auditVerifyTrail } from '../../src/server/operator/trail-commands.ts'
import { startServer } from '../../src/server/start-server.ts'
import { temporaryFolder } from '../support/server-process.ts'
import { startOptionsFor, withStoppedNode } from '../support/stopped-node.ts'

/** A node is started, asked for a key, and stopped. */
async function callNode(folder: string, made: { accessKeyId: string; secretAccessKey: string }[]) {
  const server = await startServer(startOptionsFor(folder), (first) => made.push(first))
  const [credentials] = made
  assert.ok(credentials)
  const { endpoint } = server
  const client = new KMSClient({ endpoint, region: 'us-east-1', credentials })
  await client.send(new CreateKeyCommand({}))
  client.destroy()
  await server.stop()
}

/** Closes the hours until so many from now on the stopped node of a folder; returns its public keys. */
function closeHours(folder: string, hours: number): Promise<string> {
  const clock = { now: () => instant(machineClock.now() + hours * HOUR_MS) }
  return withStoppedNode(folder, clock, async ({ state, audit, parts }) => {
    const trail = openNodeTrail(state, audit, { ...parts, homeRegion: 'us-east-1' })
    await trail.delivery.closeDueHours(clock.now())
    const keys = await trail.signingKeys.all()
    await trail.delivery.close()
    return keys.map(publicKeyPem).join('')
  })
}

describe('the trail of a node, beside the node', () => {
  const folder = temporaryFolder()
  const early = temporaryFolder()
  after(() => {
    for (const made of [folder, early]) rmSync(made, { recursive: true })
  })
  let publicKeys = ''
  const until = machineClock.now() + 2 * HOUR_MS

  const verdict = (copy: string, node?: FolderOptions): Promise<TrailVerdict> =>
    auditVerifyTrail(
      {
        folder: copy,
        publicKeys,
        until,
        anchors: undefined,
        accountId: undefined,
        allowUnsignedNewest: false,
        node,
      },
      () => undefined,
    )

  before(async () => {
    const made: { accessKeyId: string; secretAccessKey: string }[] = []
    await callNode(folder, made)
    await closeHours(folder, 1)
    cpSync(folder, early, { recursive: true })
    await callNode(folder, made)
    publicKeys = await closeHours(folder, 2)
  })

  test('is whole, and the log is what the digests say', async () => {
    const whole = await verdict(join(folder, 'trail'), startOptionsFor(folder))
    assert.deepEqual(whole.findings, [])
    assert.deepEqual([whole.digests, whole.log?.intact, whole.log?.macsChecked], [2, true, true])
  })

  test('is older than what the store knows where it was rolled back', async () => {
    assert.deepEqual((await verdict(join(early, 'trail'))).findings, [])
    const { findings, log } = await verdict(join(early, 'trail'), startOptionsFor(folder))
    assert.match(findings[0]?.what ?? '', /was rolled back: .* was anchored \(the store\)/)
    assert.equal(log?.intact, true)
  })

  test('tells of a log that was rolled back', async () => {
    const { findings, log } = await verdict(join(folder, 'trail'), startOptionsFor(early))
    assert.deepEqual(findings, [])
    assert.equal(log?.intact, false)
    assert.match(
      log?.problems.join('\n') ?? '',
      /ends before this frame, which was noted in a digest of the trail/,
    )
  })
})
