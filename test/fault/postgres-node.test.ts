import assert from 'node:assert/strict'
import { chownSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { openCuttingProxy } from '../support/cutting-proxy.ts'
import { NOT_OURS, startPostgres } from '../support/postgres-server.ts'
import {
  runStrongroom,
  type ServerProcess,
  startServer,
  temporaryFolder,
} from '../support/server-process.ts'
import {
  blob,
  createKey,
  refused,
  succeeded,
  textOf,
  type WireAnswer,
  WireClient,
} from '../support/wire-client.ts'
import { fillUp, letGoOfDisks, memoryDisk, noDisks } from './small-disk.ts'

const server = await startPostgres()
const { local } = server
const skip = local === undefined && NOT_OURS
const proxy = await openCuttingProxy(local?.tcpPort ?? 0)
const folder = temporaryFolder()
const SECRET = 'of the tests'
/** What becomes of a node is waited for so long at most. */
const PATIENCE_MS = 30_000

const admin = new pg.Client({ connectionString: server.url })
admin.on('error', () => undefined)
await admin.connect()

after(async () => {
  await admin.end()
  await proxy.close()
  await server.stop()
  letGoOfDisks()
})

const storeUrl = (role: string, port: number): string =>
  `postgres://${role}:${encodeURIComponent(SECRET)}@127.0.0.1:${port}/postgres`

/** Roles as an operator makes them, and the tables of the owner. */
async function setUp(): Promise<void> {
  const roles = readFileSync(new URL('../../deploy/postgres/roles.sql', import.meta.url), 'utf8')
  await admin.query(roles)
  for (const role of ['strongroom_owner', 'strongroom'])
    await admin.query(`ALTER ROLE ${role} PASSWORD '${SECRET}'`)
  const env = { STRONGROOM_STORE: storeUrl('strongroom_owner', local?.tcpPort ?? 0) }
  const migrated = await runStrongroom(['migrate'], { env })
  assert.equal(migrated.exitCode, 0, migrated.stderr)
  await admin.query(roles)
}

const start = (): Promise<ServerProcess> =>
  startServer({ dataFolder: folder, env: { STRONGROOM_STORE: storeUrl('strongroom', proxy.port) } })

describe('a node on PostgreSQL', { skip }, () => {
  let node: ServerProcess
  let client: WireClient
  let keyId: string
  let ciphertext: string

  const connect = (): WireClient => {
    const { accessKeyId, secretAccessKey } = node.credentials
    return new WireClient(node.endpoint, accessKeyId, 'us-east-1', secretAccessKey)
  }

  before(async () => {
    await setUp()
    node = await start()
    client = connect()
    keyId = (await createKey(client)).id
    const encrypted = await client.kms('Encrypt', { KeyId: keyId, Plaintext: blob('kept') })
    ciphertext = textOf(succeeded(encrypted), 'CiphertextBlob')
  })

  after(async () => {
    client.close()
    await node.kill9()
  })

  /** Waits until the node says that it is ready, or that it is not. */
  async function becomes(status: 200 | 503): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    while ((await fetch(`${node.endpoint}/-/ready`)).status !== status) {
      assert.ok(performance.now() < deadline, `/-/ready says ${status}\n${node.stderr}`)
      await delay(50)
    }
  }

  /** Old and new keys work, and nothing of what was answered is missing. */
  async function works(): Promise<void> {
    const opened = await client.kms('Decrypt', { CiphertextBlob: ciphertext })
    assert.equal(textOf(succeeded(opened), 'Plaintext'), blob('kept'))
    const { id } = await createKey(client)
    succeeded(await client.kms('DescribeKey', { KeyId: id }))
  }

  const internalError = (answer: WireAnswer): void => {
    const message =
      'The request was rejected because of an internal error. The request can be retried.'
    refused(answer, 'KMSInternalException', message, 500)
  }

  /** What every service says while the node serves nothing. */
  async function assertUnavailable(): Promise<void> {
    const message = 'The service is temporarily unavailable.'
    const target = 'CloudTrail_20131101.DescribeTrails'
    const form = (service: string, Action: string, Version: string): Promise<WireAnswer> =>
      client.send(new URLSearchParams({ Action, Version }).toString(), {
        service,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
    // At once: each waits a while for the node to come back.
    const [json, xml] = await Promise.all([
      Promise.all([client.kms('ListKeys'), client.send('{}', { service: 'cloudtrail', target })]),
      Promise.all([
        form('iam', 'ListUsers', '2010-05-08'),
        form('sts', 'GetCallerIdentity', '2011-06-15'),
        form('monitoring', 'ListMetrics', '2010-08-01'),
        client.send('', { service: 's3', method: 'GET' }),
      ]),
    ])
    for (const answer of json) refused(answer, 'ServiceUnavailableException', message, 503)
    for (const { status, text } of xml) {
      assert.equal(status, 503)
      assert.match(text, /<Code>ServiceUnavailable<\/Code>/)
    }
  }

  test('whose database does not answer refuses in the form of each service, and goes on by itself', async () => {
    proxy.isUp = false
    proxy.cut()
    const change = client.kms('CreateKey')
    await becomes(503)
    await assertUnavailable()
    await node.saysToOperator(/the store does not answer: requests are refused until it does/)
    internalError(await change)
    await node.saysToOperator(/"msg":"a request failed"/)
    await node.saysToOperator(/the database could not be reached to/)
    proxy.isUp = true
    await becomes(200)
    await node.saysToOperator(/the store answers again: requests are served/)
    await works()
  })

  test('whose database takes longer than a second to answer serves nothing until it is faster', async () => {
    proxy.delayMs = 1300
    await becomes(503)
    proxy.delayMs = 0
    await becomes(200)
    await works()
  })

  /** The database refuses the node's role whatever it needs to come back; then it may again. */
  async function whileRefused(refuse: string, allow: string, reason: RegExp): Promise<void> {
    await admin.query(refuse)
    try {
      proxy.cut()
      await becomes(503)
      await node.saysToOperator(reason)
    } finally {
      await admin.query(allow)
    }
    await becomes(200)
    await works()
  }

  test('whose password is not taken any more says so, and goes on when it is', () =>
    whileRefused(
      "ALTER ROLE strongroom PASSWORD 'another'",
      `ALTER ROLE strongroom PASSWORD '${SECRET}'`,
      /password authentication failed for user ..?strongroom/,
    ))

  test('that gets no connection any more says so, and goes on when there is one', () =>
    whileRefused(
      'ALTER ROLE strongroom CONNECTION LIMIT 0',
      'ALTER ROLE strongroom CONNECTION LIMIT -1',
      /too many connections for role/,
    ))

  test('whose database takes no writes any more serves nothing until it does', () =>
    whileRefused(
      'ALTER ROLE strongroom SET default_transaction_read_only = on',
      'ALTER ROLE strongroom RESET default_transaction_read_only',
      /the database takes no writes: it is a standby, or read-only/,
    ))

  test('whose role has lost a right fails what needs it, says which file gives it, and serves the rest', async () => {
    await admin.query('REVOKE INSERT ON strongroom.kms_key FROM strongroom')
    internalError(await client.kms('CreateKey'))
    await node.saysToOperator(/permission denied for table kms_key .*deploy\/postgres\/roles\.sql/)
    succeeded(await client.kms('Decrypt', { CiphertextBlob: ciphertext }))
    await admin.query('GRANT INSERT ON strongroom.kms_key TO strongroom')
    await works()
  })

  test('whose statement is cancelled, for it took too long, fails that change alone', async () => {
    const holder = new pg.Client({ connectionString: server.url })
    holder.on('error', () => undefined)
    await holder.connect()
    await holder.query('BEGIN')
    await holder.query("SELECT value FROM strongroom.counter WHERE name = 'epoch' FOR UPDATE")
    const change = client.kms('CreateKey')
    succeeded(await client.kms('Decrypt', { CiphertextBlob: ciphertext }))
    // As the server does to a statement that takes ten seconds.
    const waiting = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'strongroom' AND wait_event_type = 'Lock'`
    const deadline = performance.now() + PATIENCE_MS
    while ((await admin.query(waiting)).rowCount === 0) {
      assert.ok(performance.now() < deadline, 'the change waits for the lock')
      await delay(20)
    }
    internalError(await change)
    await node.saysToOperator(/canceling statement .*\(SQLSTATE 57014\)/)
    await holder.end()
    await works()
  })

  test('whose database has no room left refuses changes, still decrypts, and goes on when there is room', {
    skip: noDisks,
  }, async () => {
    const disk = memoryDisk(16 * 2 ** 20)
    const space = join(disk, 'space')
    mkdirSync(space)
    // The server of the tests runs as nobody where the tests run as root.
    chownSync(space, 65_534, 65_534)
    chownSync(disk, 65_534, 65_534)
    await admin.query(`CREATE TABLESPACE small LOCATION '${space}'`)
    await admin.query('ALTER TABLE strongroom.kms_key SET TABLESPACE small')
    const makeRoom = fillUp(disk, 0)
    let answer = await client.kms('CreateKey')
    // The last page has room for some.
    for (let tries = 0; answer.status === 200 && tries < 100; tries++) {
      answer = await client.kms('CreateKey')
    }
    internalError(answer)
    await node.saysToOperator(/No space left on device.*\(SQLSTATE 53100\)/)
    succeeded(await client.kms('Decrypt', { CiphertextBlob: ciphertext }))
    makeRoom()
    await works()
    await admin.query('ALTER TABLE strongroom.kms_key SET TABLESPACE pg_default')
    await admin.query('DROP TABLESPACE small')
  })

  test('with a row that was altered in the database fails what needs it, and serves the rest', async () => {
    const { id } = await createKey(client)
    await admin.query(
      `UPDATE strongroom.kms_key SET body = replace(body, '"Enabled"', '"Disabled"') WHERE key_id = $1`,
      [id],
    )
    internalError(await client.kms('EnableKey', { KeyId: id }))
    await node.saysToOperator(/the row .* was not written by Strongroom as it is now/)
    await works()
  })

  test('whose database was put back to an older state ends, and tells at the next start what is missing', async () => {
    const { rows } = await admin.query<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'strongroom'`,
    )
    const names = rows.map(({ name }) => name).filter((name) => name !== 'migration')
    await admin.query('CREATE SCHEMA kept')
    for (const name of names)
      await admin.query(`CREATE TABLE kept."${name}" AS TABLE strongroom."${name}"`)
    const lost = [await createKey(client), await createKey(client)]
    const back = names.map(
      (name) =>
        `DELETE FROM strongroom."${name}"; INSERT INTO strongroom."${name}" TABLE kept."${name}"`,
    )
    await admin.query(['BEGIN', ...back, 'COMMIT'].join('; '))
    await node.saysToOperator(/has gone back from epoch \d+ to \d+, and acknowledged changes/)
    const deadline = performance.now() + PATIENCE_MS
    while (!node.hasExited && performance.now() < deadline) await delay(20)
    assert.ok(node.hasExited)
    client.close()
    node = await start()
    client = connect()
    await node.saysToOperator(/"missing":\d+,"msg":"the store is older than the audit log: changes/)
    const answer = await client.kms('DescribeKey', { KeyId: lost[0]?.id })
    assert.equal(answer.json['__type'], 'NotFoundException')
    await works()
  })
})
