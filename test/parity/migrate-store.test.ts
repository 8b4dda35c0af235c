import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import * as sdk from '@aws-sdk/client-kms'
import pg from 'pg'
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts'
import { urlWith } from '../support/postgres-stores.ts'
import {
  type Finished,
  runStrongroom,
  type ServerProcess,
  startServer,
  temporaryFolder,
} from '../support/server-process.ts'

const SCHEMA = 'moved'
const Plaintext = Buffer.from('encrypted before the move')

describe('a store that is moved', () => {
  let database: PostgresServer
  let url: string
  const data = temporaryFolder()
  const file = join(data, 'back.db')
  let KeyId = ''
  let CiphertextBlob = new Uint8Array()

  before(async () => {
    database = await startPostgres()
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    await client.query(`DROP SCHEMA IF EXISTS ${SCHEMA} CASCADE`)
    await client.end()
    url = urlWith(database, { schema: SCHEMA })
    assert.equal((await runStrongroom(['migrate', '--store', url])).exitCode, 0)
  })
  after(() => database?.stop())

  const move = (...flags: readonly string[]): Promise<Finished> =>
    runStrongroom(['migrate-store', '--data', data, ...flags])

  async function serving(
    flags: readonly string[],
    work: (kms: sdk.KMSClient) => Promise<void>,
  ): Promise<void> {
    const server: ServerProcess = await startServer({ dataFolder: data, flags })
    const { endpoint, credentials } = server
    const kms = new sdk.KMSClient({ endpoint, region: 'eu-west-1', credentials, maxAttempts: 1 })
    try {
      await work(kms)
      await server.stop()
    } finally {
      kms.destroy()
      await server.kill9()
    }
  }
  const decrypts = async (kms: sdk.KMSClient): Promise<void> => {
    const opened = await kms.send(new sdk.DecryptCommand({ CiphertextBlob }))
    assert.deepEqual(Buffer.from(opened.Plaintext ?? []), Plaintext)
    assert.match(opened.KeyId ?? '', new RegExp(KeyId))
  }

  test('goes from the file to the database, and its ciphertexts decrypt there', async () => {
    await serving([], async (kms) => {
      for (let i = 0; i < 12; i++) {
        const { KeyMetadata } = await kms.send(new sdk.CreateKeyCommand({}))
        KeyId = KeyMetadata?.KeyId ?? ''
      }
      await kms.send(new sdk.CreateAliasCommand({ AliasName: 'alias/a', TargetKeyId: KeyId }))
      const sent = await kms.send(new sdk.EncryptCommand({ KeyId: 'alias/a', Plaintext }))
      CiphertextBlob = Uint8Array.from(sent.CiphertextBlob ?? [])
    })
    const moved = await move('--to', url, '--json')
    assert.equal(moved.exitCode, 0, moved.stderr)
    // Whatever the program printed with --json is an object.
    const report = JSON.parse(moved.stdout) as { from: string; to: string; records: number }
    assert.ok(report.records > 36, moved.stdout)
    assert.equal(report.from, join(data, 'strongroom.db'))
    assert.match(report.to, /^postgres:/)
    await serving(['--store', url], decrypts)
  })

  test('is served from its old place no more', async () => {
    const refused = await runStrongroom(['status', '--data', data])
    assert.equal(refused.exitCode, 1)
    assert.match(refused.stderr, /this store was moved to postgres:/)
  })

  test('is not moved onto another store, nor onto itself', async () => {
    const onto = await move('--store', url, '--to', url)
    assert.match(onto.stderr, /is there already/)
    const full = await move('--store', url, '--to', join(data, 'strongroom.db'))
    assert.match(full.stderr, /there is a store at .* already/)
    assert.deepEqual([onto.exitCode, full.exitCode], [1, 1])
  })

  test('goes back to a file, with what happened meanwhile', async () => {
    let later = ''
    await serving(['--store', url], async (kms) => {
      later = (await kms.send(new sdk.CreateKeyCommand({}))).KeyMetadata?.KeyId ?? ''
    })
    const moved = await move('--store', url, '--to', file)
    assert.equal(moved.exitCode, 0, moved.stderr)
    assert.match(
      moved.stdout,
      /Moved \d+ records from postgres:.* to .*back\.db; every one was compared/,
    )
    await serving(['--store', file], async (kms) => {
      await decrypts(kms)
      await kms.send(new sdk.EncryptCommand({ KeyId: later, Plaintext }))
    })
    const verified = await runStrongroom(['audit', 'verify', '--data', data, '--store', file])
    assert.equal(verified.exitCode, 0, verified.stdout)
  })

  test('that was left half way is nobody’s to serve from', async () => {
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    await client.query(`UPDATE ${SCHEMA}.setting SET value = 'begun' WHERE name = 'transfer'`)
    await client.end()
    const refused = await runStrongroom(['status', '--data', data, '--store', url])
    assert.match(refused.stderr, /a transfer into this store did not come to its end/)
  })
})
