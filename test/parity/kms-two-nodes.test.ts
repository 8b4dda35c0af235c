import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
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

const Plaintext = Buffer.from('shared by two nodes')
const SCHEMA = 'two_nodes'
/** A password that would show if anything printed it. */
const CANARY = 'c4nary-passw0rd'

describe('two nodes on one store in PostgreSQL', () => {
  let database: PostgresServer
  let store: string
  let one: ServerProcess
  let two: ServerProcess
  const keyfile = join(temporaryFolder(), 'root.key')
  const clients: sdk.KMSClient[] = []

  /** The credential of the first account: only the node that made it has its file. */
  const clientOf = (node: ServerProcess): sdk.KMSClient =>
    new sdk.KMSClient({
      endpoint: node.endpoint,
      region: 'eu-central-1',
      credentials: one.credentials,
      maxAttempts: 1,
    })
  const startNode = (dataFolder: string): Promise<ServerProcess> =>
    startServer({
      dataFolder,
      flags: ['--keyfile', keyfile, '--log-level', 'debug'],
      env: { STRONGROOM_STORE: store },
    })

  before(async () => {
    database = await startPostgres()
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    await client.query(`DROP SCHEMA IF EXISTS ${SCHEMA} CASCADE`)
    await client.end()
    // Over the socket nobody asks for it, so any will do.
    const url = new URL(urlWith(database, { schema: SCHEMA }))
    url.password = CANARY
    store = database.local === undefined ? urlWith(database, { schema: SCHEMA }) : url.href
    const migrated = await runStrongroom(['migrate'], { env: { STRONGROOM_STORE: store } })
    assert.equal(migrated.exitCode, 0, migrated.stderr)
    one = await startNode(temporaryFolder())
    two = await startNode(temporaryFolder())
    clients.push(clientOf(one), clientOf(two))
  })
  after(async () => {
    for (const client of clients) client.destroy()
    await one?.kill9()
    await two?.kill9()
    await database?.stop()
  })

  const client = (at: number): sdk.KMSClient => clients[at] ?? assert.fail()
  const newKey = async (kms: sdk.KMSClient): Promise<string> =>
    (await kms.send(new sdk.CreateKeyCommand({}))).KeyMetadata?.KeyId ?? ''

  test('what one makes the other uses, and what it encrypts the first decrypts', async () => {
    const KeyId = await newKey(client(0))
    const { CiphertextBlob } = await client(1).send(new sdk.EncryptCommand({ KeyId, Plaintext }))
    const opened = await client(0).send(new sdk.DecryptCommand({ CiphertextBlob }))
    assert.deepEqual(Buffer.from(opened.Plaintext ?? []), Plaintext)
  })

  test('a key that one has disabled the other does not use, and the other way round', async () => {
    const KeyId = await newKey(client(0))
    for (let round = 0; round < 20; round++) {
      const [here, there] = [client(round % 2), client((round + 1) % 2)]
      // Both have it in their caches.
      await here.send(new sdk.EncryptCommand({ KeyId, Plaintext }))
      await there.send(new sdk.EncryptCommand({ KeyId, Plaintext }))
      await here.send(new sdk.DisableKeyCommand({ KeyId }))
      await assert.rejects(there.send(new sdk.EncryptCommand({ KeyId, Plaintext })), {
        name: 'DisabledException',
      })
      await there.send(new sdk.EnableKeyCommand({ KeyId }))
      await here.send(new sdk.EncryptCommand({ KeyId, Plaintext }))
    }
  })

  test('a policy, a grant and an alias of one hold on the other at once', async () => {
    const KeyId = await newKey(client(0))
    const AliasName = 'alias/two-nodes'
    await client(0).send(new sdk.CreateAliasCommand({ AliasName, TargetKeyId: KeyId }))
    await client(1).send(new sdk.EncryptCommand({ KeyId: AliasName, Plaintext }))
    const other = await newKey(client(1))
    await client(1).send(new sdk.UpdateAliasCommand({ AliasName, TargetKeyId: other }))
    const used = await client(0).send(new sdk.EncryptCommand({ KeyId: AliasName, Plaintext }))
    assert.match(used.KeyId ?? '', new RegExp(other))
    const { Policy = '' } = await client(0).send(new sdk.GetKeyPolicyCommand({ KeyId }))
    // The text of AWS's default policy is JSON.
    const policy = JSON.parse(Policy) as { Statement: object[] }
    policy.Statement.push({
      Sid: 'no more',
      Effect: 'Deny',
      Principal: '*',
      Action: 'kms:Encrypt',
      Resource: '*',
    })
    const denying = { KeyId, Policy: JSON.stringify(policy) }
    await client(1).send(new sdk.PutKeyPolicyCommand(denying))
    await assert.rejects(client(0).send(new sdk.EncryptCommand({ KeyId, Plaintext })), {
      name: 'AccessDeniedException',
    })
  })

  test('a node that stands still holds a change up for seconds, and is not obeyed afterwards', async () => {
    const KeyId = await newKey(client(0))
    await client(1).send(new sdk.EncryptCommand({ KeyId, Plaintext }))
    process.kill(-two.pid, 'SIGSTOP')
    let late: Promise<unknown>
    try {
      const start = performance.now()
      await client(0).send(new sdk.DisableKeyCommand({ KeyId }))
      assert.ok(performance.now() - start < 15_000)
      // It stands in the socket of the node until that goes on.
      late = client(1).send(new sdk.EncryptCommand({ KeyId, Plaintext }))
      late.catch(() => undefined)
      await delay(300)
    } finally {
      process.kill(-two.pid, 'SIGCONT')
    }
    await assert.rejects(late, { name: 'DisabledException' })
    await client(0).send(new sdk.EnableKeyCommand({ KeyId }))
    await client(1).send(new sdk.EncryptCommand({ KeyId, Plaintext }))
  })

  test('the domain key is rotated while both serve and one of them stands still for a while', async () => {
    const KeyId = await newKey(client(0))
    const { CiphertextBlob } = await client(1).send(new sdk.EncryptCommand({ KeyId, Plaintext }))
    const rotating = runStrongroom(['rotate-domain-key', '--data', one.dataFolder, '--json'], {
      env: { STRONGROOM_STORE: store },
    })
    process.kill(-two.pid, 'SIGSTOP')
    let rotated: Finished
    try {
      rotated = await rotating
    } finally {
      process.kill(-two.pid, 'SIGCONT')
    }
    assert.equal(rotated.exitCode, 0, rotated.stderr)
    const later = await newKey(client(1))
    for (const kms of [client(1), client(0)]) {
      await kms.send(new sdk.EncryptCommand({ KeyId: later, Plaintext }))
      await kms.send(new sdk.DecryptCommand({ CiphertextBlob }))
    }
    const status = await runStrongroom(['status', '--data', two.dataFolder, '--json'])
    assert.equal(JSON.parse(status.stdout).domainKeyId, JSON.parse(rotated.stdout).domainKeyId)
    const refused = await runStrongroom(['rotate-root-key', '--data', one.dataFolder])
    assert.equal(refused.exitCode, 1)
    assert.match(refused.stderr, /the node [0-9a-f-]{36} uses the store as well/)
  })

  test('a node that was killed loses nothing that it acknowledged', async () => {
    const made = await Promise.all(Array.from({ length: 10 }, () => newKey(client(1))))
    const folder = two.dataFolder
    await two.kill9()
    for (const KeyId of made) await client(0).send(new sdk.EncryptCommand({ KeyId, Plaintext }))
    two = await startNode(folder)
    clients[1]?.destroy()
    clients[1] = clientOf(two)
    for (const KeyId of made) await client(1).send(new sdk.EncryptCommand({ KeyId, Plaintext }))
  })

  test('a node whose data folder was copied ends when the copy is started', async () => {
    const copy = temporaryFolder()
    cpSync(two.dataFolder, copy, {
      recursive: true,
      filter: (source) => !/operator\.sock$|lock/.test(source),
    })
    const other = await startNode(copy)
    const deadline = performance.now() + 20_000
    while (!two.hasExited && performance.now() < deadline) await delay(50)
    assert.ok(two.hasExited)
    assert.match(two.stderr, /another process has taken the id of this node/)
    await other.stop()
    two = await startNode(two.dataFolder)
  })

  test('each has its own audit log, and both logs are whole', async () => {
    for (const node of [one, two]) {
      await node.stop()
      const verified = await runStrongroom(
        ['audit', 'verify', '--data', node.dataFolder, '--keyfile', keyfile],
        { env: { STRONGROOM_STORE: store } },
      )
      assert.equal(verified.exitCode, 0, verified.stdout + verified.stderr)
      const status = await runStrongroom(
        ['status', '--data', node.dataFolder, '--keyfile', keyfile],
        { env: { STRONGROOM_STORE: store } },
      )
      assert.match(status.stdout, /PostgreSQL, postgres:\/\//)
      assert.doesNotMatch(status.stdout, new RegExp(CANARY))
    }
  })

  test('nothing that they wrote has the password of the database', () => {
    for (const node of [one, two]) {
      assert.doesNotMatch(node.stdout + node.stderr, new RegExp(CANARY))
      for (const name of readdirSync(node.dataFolder, { recursive: true, encoding: 'utf8' })) {
        const path = join(node.dataFolder, name)
        if (!statSync(path).isFile()) continue
        assert.ok(!readFileSync(path).includes(CANARY), name)
      }
    }
  })
})
