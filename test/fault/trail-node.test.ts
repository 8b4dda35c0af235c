import assert from 'node:assert/strict'
import { verify } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { diskTrailObjects } from '../../src/audit/trail/trail-objects-disk.ts'
import { TrailSigningKeys } from '../../src/audit/trail/trail-signing-keys.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { machineClock } from '../../src/server/clocks.ts'
import { initFolder } from '../../src/server/init-folder.ts'
import { openNodeState } from '../../src/server/node/node-state.ts'
import { auditCat } from '../../src/server/operator/audit-commands.ts'
import { openOperator } from '../../src/server/operator/operator-access.ts'
import { startServer } from '../../src/server/start-server.ts'
import { temporaryFolder } from '../support/server-process.ts'
import { folderOptions } from '../support/trail-fixture.ts'

test('a node that stops has delivered its log to the folder beside it', async () => {
  const folder = temporaryFolder()
  const made: { accountId: string; accessKeyId: string; secretAccessKey: string }[] = []
  for (const round of [1, 2]) {
    const server = await startServer(folderOptions(folder), (first) => made.push(first))
    const [credential] = made
    assert.ok(credential)
    const client = new KMSClient({
      endpoint: server.endpoint,
      region: 'us-east-1',
      credentials: credential,
    })
    await client.send(new CreateKeyCommand({}))
    client.destroy()
    await server.stop()
    assert.ok(existsSync(join(folder, 'trail')))
    assert.deepEqual(readdirSync(join(folder, 'trail')), [
      `strongroom-audit-${credential.accountId}`,
    ])
    const listed = await diskTrailObjects(join(folder, 'trail')).list(credential.accountId, {
      prefix: `AWSLogs/${credential.accountId}/CloudTrail/us-east-1/`,
      limit: 10,
    })
    assert.equal(listed.length, round)
  }
})

test('operators of a stopped node rotate the signing key, and other keys around it', async () => {
  const options = folderOptions(temporaryFolder())
  await initFolder(options)
  const door = await openOperator(options)
  const [first, ...none] = await door.operator.auditPublicKeys()
  assert.deepEqual(none, [])
  const second = await door.operator.rotateAuditSigningKey()
  const listed = await door.operator.auditPublicKeys()
  assert.deepEqual(
    listed.map(({ fingerprint }) => fingerprint),
    [first?.fingerprint, second.fingerprint],
  )
  await door.operator.rotateDomainKey()
  await door.operator.rotateRootKey()
  await door.close()
  const actions: string[] = []
  await auditCat(
    { ...options, frames: true },
    {
      write: async (line) => void actions.push(line),
      damaged: (place) => Promise.reject(new Error(place)),
    },
  )
  const expected = `"action":"audit rotate-signing-key","fingerprint":"${second.fingerprint}"`
  assert.equal(actions.filter((line) => line.includes(expected)).length, 1)
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const parts = { clock: machineClock, random: createRandom(), log: quiet }
  const state = await openNodeState(options, parts, 'existing')
  const keys = new TrailSigningKeys({ records: state.records, clock: machineClock })
  const signature = await (await keys.signerFor(machineClock.now())).sign('text')
  assert.ok(verify('sha256', Buffer.from('text'), second.pem, Buffer.from(signature, 'hex')))
  await state.close()
})
