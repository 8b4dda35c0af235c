import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-kms'
import { startPostgres } from '../support/postgres-server.ts'
import { openSchema, urlWith } from '../support/postgres-stores.ts'
import {
  readCredentials,
  runStrongroom,
  ServerProcess,
  startServer,
  temporaryFolder,
} from '../support/server-process.ts'

const Plaintext = Buffer.from('behind shares, on two nodes')

const database = await startPostgres()
const schema = await openSchema(database, 'sealed_nodes')
const store = urlWith(database, { schema: 'sealed_nodes' })
after(async () => {
  await schema.close()
  await database.stop()
})

describe('nodes on one store whose root key is in shares', () => {
  const folder = temporaryFolder()
  const [one, two] = [join(folder, 'one'), join(folder, 'two')]
  const fileOf = (number: number): string => join(folder, `share-${number}`)
  const env = { STRONGROOM_STORE: store }

  before(async () => {
    const quorum = ['--seal', 'shares', '--shares', '3', '--threshold', '2', '--json']
    const made = await runStrongroom(['init', '--data', one, ...quorum], { env })
    assert.equal(made.exitCode, 0, made.stderr)
    const [first = ''] = made.stdout.split('\n')
    const { shares }: { shares: string[] } = JSON.parse(first)
    for (const [at, share] of shares.entries()) writeFileSync(fileOf(at + 1), share)
  })

  async function startSealed(dataFolder: string): Promise<ServerProcess> {
    const node = new ServerProcess({ dataFolder, env })
    await node.saysToOperator(/sealed: give shares/)
    return node
  }
  async function unseal(node: ServerProcess, ...numbers: number[]): Promise<void> {
    for (const number of numbers) {
      const share = ['--share-file', fileOf(number)]
      const given = await runStrongroom(['unseal', '--data', node.dataFolder, ...share])
      assert.equal(given.exitCode, 0, given.stdout + given.stderr)
    }
    await node.ready()
  }
  const clientOf = ({ endpoint }: ServerProcess): sdk.KMSClient =>
    new sdk.KMSClient({
      endpoint,
      region: 'eu-central-1',
      credentials: readCredentials(join(one, 'root-credentials')),
      maxAttempts: 1,
    })

  test('are unsealed one by one, and the keys may be rotated while one waits for its shares', async () => {
    await using first = await startSealed(one)
    await unseal(first, 3, 1)
    const kms = clientOf(first)
    const { KeyMetadata } = await kms.send(new sdk.CreateKeyCommand({}))
    const KeyId = KeyMetadata?.KeyId ?? ''
    const { CiphertextBlob } = await kms.send(new sdk.EncryptCommand({ KeyId, Plaintext }))
    await using second = await startSealed(two)
    const rotated = await runStrongroom(['rotate-domain-key', '--data', one, '--json'])
    assert.equal(rotated.exitCode, 0, rotated.stderr)
    await unseal(second, 1, 2)
    const opened = await clientOf(second).send(new sdk.DecryptCommand({ CiphertextBlob }))
    assert.deepEqual(Buffer.from(opened.Plaintext ?? []), Plaintext)
    await clientOf(second).send(new sdk.EncryptCommand({ KeyId, Plaintext }))
    const status = await runStrongroom(['status', '--data', two, '--json'])
    assert.equal(JSON.parse(status.stdout).domainKeyId, JSON.parse(rotated.stdout).domainKeyId)
  })

  test('with workers are unsealed from files, or not at all', async () => {
    const shares = ['--share-file', fileOf(2), '--share-file', fileOf(3)]
    await using server = await startServer({
      dataFolder: one,
      env,
      flags: ['--workers', '2', ...shares],
    })
    await clientOf(server).send(new sdk.ListKeysCommand({}))
    await server.stop()
    const refused = await runStrongroom(['start', '--data', one, '--port', '0', '--workers', '2'], {
      env,
    })
    assert.equal(refused.exitCode, 1)
    assert.match(refused.stderr, /several processes cannot wait for the shares of the root key/)
  })
})
