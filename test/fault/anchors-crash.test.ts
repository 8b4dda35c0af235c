import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { runStrongroom, startServer, temporaryFolder } from '../support/server-process.ts'

const WAIT_MS = 60_000

const linesOf = (file: string): number =>
  existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0

test('what was anchored is in the log, also after kill -9', async () => {
  const dataFolder = temporaryFolder()
  const file = join(temporaryFolder(), 'anchors.jsonl')
  for (const round of [1, 2]) {
    await using server = await startServer({ dataFolder, flags: ['--anchor', `file:${file}`] })
    const kms = new KMSClient({
      endpoint: server.endpoint,
      region: 'eu-central-1',
      credentials: server.credentials,
    })
    const deadline = performance.now() + WAIT_MS
    while (linesOf(file) < round) {
      assert.ok(performance.now() < deadline, 'an anchor in time')
      await kms.send(new CreateKeyCommand({}))
      await delay(20)
    }
    kms.destroy()
    if (round === 1) {
      const status = await runStrongroom(['status', '--data', dataFolder])
      assert.match(status.stdout, /^anchored at +file:.*anchors\.jsonl \(2\d\d\d-.*Z\)$/m)
    }
    await server.kill9()
  }
  const verify = ['audit', 'verify', '--data', dataFolder, '--anchor', file]
  const found = await runStrongroom(verify)
  assert.deepEqual([found.exitCode, found.stderr], [0, ''], found.stdout)
})
