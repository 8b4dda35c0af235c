import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { diskTrailObjects } from '../../src/audit/trail/trail-objects-disk.ts'
import type { StartOptions } from '../../src/cli/program.ts'
import { Secret } from '../../src/core/secret.ts'
import { startServer } from '../../src/server/start-server.ts'
import { temporaryFolder } from '../support/server-process.ts'

const optionsFor = (dataFolder: string): StartOptions => ({
  dataFolder,
  store: undefined,
  keyfile: undefined,
  seal: undefined,
  passphraseFile: undefined,
  readPassphrase: () => Promise.resolve(new Secret(new Uint8Array(1))),
  port: 0,
  host: '127.0.0.1',
  region: 'us-east-1',
  tls: false,
  tlsHosts: [],
  allowPlainHttp: false,
  auditDurability: 'sync',
  acceptAuditDamage: false,
  logLevel: 'silent',
})

test('a node that stops has delivered its log to the folder beside it', async () => {
  const folder = temporaryFolder()
  const made: { accountId: string; accessKeyId: string; secretAccessKey: string }[] = []
  for (const round of [1, 2]) {
    const server = await startServer(optionsFor(folder), (first) => made.push(first))
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
