import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import {
  CreateKeyCommand,
  EncryptCommand,
  GetKeyLastUsageCommand,
  KMSClient,
} from '@aws-sdk/client-kms'
import { type ServerProcess, startServer, temporaryFolder } from '../support/server-process.ts'

const clientOf = (server: ServerProcess): KMSClient =>
  new KMSClient({
    endpoint: server.endpoint,
    region: 'eu-central-1',
    credentials: server.credentials,
    maxAttempts: 1,
  })

async function makeKey(kms: KMSClient): Promise<string> {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
  assert.ok(KeyMetadata?.KeyId)
  return KeyMetadata.KeyId
}

/** Uses a key and gives the id of the request. */
async function use(kms: KMSClient, keyId: string): Promise<string> {
  const encryption = new EncryptCommand({ KeyId: keyId, Plaintext: Buffer.from('used') })
  const { $metadata } = await kms.send(encryption)
  assert.ok($metadata.requestId)
  return $metadata.requestId
}

const lastRequest = async (kms: KMSClient, keyId: string): Promise<string | undefined> =>
  (await kms.send(new GetKeyLastUsageCommand({ KeyId: keyId }))).KeyLastUsage?.KmsRequestId

describe('the last use of a key', () => {
  test('survives a crash that came before it was noted, and a stop', async () => {
    const dataFolder = temporaryFolder()
    await using first = await startServer({ dataFolder })
    let kms = clientOf(first)
    const used = await makeKey(kms)
    const unused = await makeKey(kms)
    const again = await makeKey(kms)
    for (let at = 0; at < 20; at++) await use(kms, used)
    const last = await use(kms, used)
    await use(kms, again)
    kms.destroy()
    await first.kill9()

    await using second = await startServer({ dataFolder })
    kms = clientOf(second)
    assert.equal(await lastRequest(kms, used), last)
    assert.equal(await lastRequest(kms, unused), undefined)
    const lastAgain = await use(kms, again)
    kms.destroy()
    await second.stop()

    await using third = await startServer({ dataFolder })
    kms = clientOf(third)
    assert.equal(await lastRequest(kms, used), last)
    assert.equal(await lastRequest(kms, again), lastAgain)
    kms.destroy()
    await third.stop()
  })

  test('is found in the whole log where the mark in the store was altered', async () => {
    const dataFolder = temporaryFolder()
    await using first = await startServer({ dataFolder })
    let kms = clientOf(first)
    const key = await makeKey(kms)
    const last = await use(kms, key)
    kms.destroy()
    await first.stop()

    // The notes are lost, and the mark is not what the node wrote.
    const store = new DatabaseSync(join(dataFolder, 'strongroom.db'))
    const forging = store
      .prepare(
        "INSERT OR REPLACE INTO setting (name, value) SELECT replace(name, 'audit-head', 'usage-noted'), ? FROM setting WHERE name LIKE 'audit-head:%'",
      )
      .run('{"sequence":1,"keyId":"","mac":"00"}')
    assert.equal(forging.changes, 1)
    assert.equal(store.prepare('DELETE FROM key_usage_note').run().changes, 1)
    store.close()

    await using second = await startServer({ dataFolder })
    kms = clientOf(second)
    assert.equal(await lastRequest(kms, key), last)
    assert.match(second.stderr, /mark of noted key uses was altered/)
    kms.destroy()
    await second.stop()
  })
})
