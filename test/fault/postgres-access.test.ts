import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { inspect } from 'node:util'
import pg from 'pg'
import { instant } from '../../src/core/ids.ts'
import { TABLES } from '../../src/core/tables.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { createAuthority, issueServerCertificate } from '../../src/server/tls/tls-authority.ts'
import { migrateStore, openPostgresStore } from '../../src/storage/postgres/postgres-store.ts'
import { parsePostgresUrl } from '../../src/storage/postgres/postgres-url.ts'
import { aKeyRow, insertKeys, KEY_TABLE } from '../contract/row-samples.ts'
import { SERVER_VARIABLE, startPostgres } from '../support/postgres-server.ts'
import { temporaryFolder } from '../support/server-process.ts'

const issuing = { now: instant(Date.now()), random: createRandom() }
const authority = await createAuthority(issuing)
const stranger = await createAuthority(issuing)
const issued = await issueServerCertificate(authority, { ...issuing, hosts: [] })
const server = await startPostgres({
  tls: {
    certificate: issued.certificatePem,
    key: Buffer.from(issued.privateKeyPem.expose()).toString('latin1'),
  },
})
const { local } = server
const skip = local === undefined && `${SERVER_VARIABLE} names a server that is not ours to set up`
const folder = temporaryFolder()
const fileOf = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return encodeURIComponent(join(folder, name))
}
const trusted = fileOf('ca.pem', authority.certificatePem)
const foreign = fileOf('stranger.pem', stranger.certificatePem)
after(() => server.stop())

const tables = TABLES.map(({ schema }) => schema)
const open = (url: string) =>
  openPostgresStore({ address: parsePostgresUrl(url), tables, nodeId: 'node' })

describe('the connection to the database', { skip }, () => {
  const password = encodeURIComponent(local?.password ?? '')
  const at = (host: string, parameters: string, secret = password): string =>
    `postgres://tester:${secret}@${host}:${local?.tcpPort}/postgres?schema=tls&${parameters}`

  test('is encrypted, and goes to a server whose certificate and name are known', async () => {
    const url = at('127.0.0.1', `sslmode=verify-full&sslrootcert=${trusted}`)
    await migrateStore(parsePostgresUrl(url))
    const store = await open(url)
    try {
      await insertKeys(store, aKeyRow('a'))
      const client = new pg.Client({ connectionString: server.url })
      await client.connect()
      const { rows } = await client.query<{ ssl: boolean; version: string }>(
        `SELECT ssl, version FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'strongroom'`,
      )
      await client.end()
      assert.ok(rows.length >= 2)
      for (const row of rows) assert.deepEqual(row, { ssl: true, version: 'TLSv1.3' })
    } finally {
      await store.close()
    }
  })

  test('is refused to a server of another authority, or of another name', async () => {
    await assert.rejects(
      open(at('127.0.0.1', `sslmode=verify-full&sslrootcert=${foreign}`)),
      /could not be reached .*(?:self-signed|unable to (?:verify|get)|signature)/,
    )
    await assert.rejects(
      open(at('127.0.0.2', `sslmode=verify-full&sslrootcert=${trusted}`)),
      /could not be reached .*127\.0\.0\.2/,
    )
    const store = await open(at('127.0.0.2', `sslmode=verify-ca&sslrootcert=${trusted}`))
    await store.close()
    await assert.rejects(
      open(at('127.0.0.1', 'sslmode=verify-full&sslrootcert=%2Fnowhere')),
      /the file \/nowhere cannot be read/,
    )
  })

  test('of several hosts goes to none that cannot prove its own name', async () => {
    const verified = `sslmode=verify-full&sslrootcert=${trusted}`
    const hosts = `127.0.0.2:${local?.tcpPort},127.0.0.1`
    const store = await open(at(hosts, verified))
    assert.equal(await store.count(KEY_TABLE, { index: 'key', equals: [], atMost: 1 }), 1)
    await store.close()
    const wrong = at(`127.0.0.2:${local?.tcpPort},127.0.0.3`, verified)
    await assert.rejects(open(wrong), /no server takes writes: 127\.0\.0\.2:\d+: .*127\.0\.0\.2/)
  })

  test('stays when the certificate of the server runs out, and no new one is made until it is renewed', async () => {
    const url = at('127.0.0.1', `sslmode=verify-full&sslrootcert=${trusted}`)
    const serveWith = async ({ certificatePem, privateKeyPem }: typeof issued): Promise<void> => {
      const where = dirname(local?.folder ?? '')
      writeFileSync(join(where, 'server.crt'), certificatePem)
      writeFileSync(join(where, 'server.key'), Buffer.from(privateKeyPem.expose()))
      const client = new pg.Client({ connectionString: server.url })
      await client.connect()
      await client.query('SELECT pg_reload_conf()')
      await client.end()
    }
    /** Why the store cannot be opened now, if it cannot. */
    const look = async (): Promise<string> => {
      const reader = { address: parsePostgresUrl(url), tables, readOnly: true } as const
      return openPostgresStore(reader).then((opened) => opened.close().then(() => ''), String)
    }
    // The server reads its files a moment after it was told to.
    const until = async (is: () => Promise<boolean>): Promise<void> => {
      const deadline = performance.now() + 20_000
      while (!(await is())) assert.ok(performance.now() < deadline)
    }
    const store = await open(url)
    try {
      await insertKeys(store, aKeyRow('before'))
      const longAgo = instant(Date.now() - 3000 * 86_400_000)
      await serveWith(
        await issueServerCertificate(authority, { ...issuing, now: longAgo, hosts: [] }),
      )
      await until(async () => /could not be reached .*certificate has expired/.test(await look()))
      await insertKeys(store, aKeyRow('during'))
    } finally {
      await store.close()
      await serveWith(issued)
    }
    await until(async () => (await look()) === '')
  })

  test('says that a password is wrong, and not which it was', async () => {
    const wrong = at('127.0.0.1', 'sslmode=disable', 'wr0ng-passw0rd')
    await assert.rejects(open(wrong), (error) => {
      assert.match(String(error), /password authentication failed for user "tester"/)
      assert.doesNotMatch(inspect(error, { depth: 9 }), /wr0ng-passw0rd/)
      return true
    })
  })
})

describe('the roles of deploy/postgres/roles.sql', { skip }, () => {
  const as = (role: string): string => {
    const url = new URL(server.url)
    url.username = role
    url.pathname = '/roles'
    return url.href
  }

  test('the owner makes the tables; the service reads and changes rows, and nothing else', async () => {
    const setup = new pg.Client({ connectionString: server.url })
    await setup.connect()
    await setup.query('CREATE DATABASE roles')
    await setup.end()
    const sql = readFileSync(new URL('../../deploy/postgres/roles.sql', import.meta.url), 'utf8')
    const admin = new pg.Client({ connectionString: as('tester') })
    await admin.connect()
    await admin.query(sql)
    await migrateStore(parsePostgresUrl(as('strongroom_owner')))
    await admin.query(sql)
    await admin.end()

    const { applied } = await migrateStore(parsePostgresUrl(as('strongroom')))
    assert.deepEqual(applied, [])
    const store = await open(as('strongroom'))
    await insertKeys(store, aKeyRow('a'))
    await store.transaction((tx) => tx.delete(KEY_TABLE, aKeyRow('a').key, 1))
    await store.close()

    const service = new pg.Client({ connectionString: as('strongroom') })
    await service.connect()
    const forbidden = [
      'CREATE TABLE strongroom.more (a int)',
      'CREATE TABLE public.more (a int)',
      'DROP TABLE strongroom.kms_key',
      'ALTER TABLE strongroom.kms_key ADD COLUMN more int',
      'TRUNCATE strongroom.kms_key',
      'DELETE FROM strongroom.migration',
      'CREATE SCHEMA more',
    ]
    for (const statement of forbidden) {
      await assert.rejects(service.query(statement), /permission denied|must be owner/, statement)
    }
    await service.end()
  })
})
