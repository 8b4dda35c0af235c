import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import * as cloudtrail from '@aws-sdk/client-cloudtrail'
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

const SCHEMA = 'audit_two_nodes'
const CALLS = 12

describe('the audit logs of two nodes on one store', () => {
  let database: PostgresServer
  let store: string
  let one: ServerProcess
  let two: ServerProcess
  let db: pg.Client
  let KeyId: string
  const keyfile = join(temporaryFolder(), 'root.key')
  const clients: { destroy(): void }[] = []
  const requestIds: string[] = []

  const shipping = (place: string): readonly string[] => [
    '--ship-to',
    `s3://bucket/${place}`,
    '--ship-s3-endpoint',
    'http://127.0.0.1:1',
  ]
  const startNode = (place: string, dataFolder = temporaryFolder()): Promise<ServerProcess> =>
    startServer({
      dataFolder,
      flags: ['--keyfile', keyfile, ...shipping(place)],
      env: { STRONGROOM_STORE: store, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' },
    })
  const settings = (node: ServerProcess) => ({
    endpoint: node.endpoint,
    region: 'eu-central-1',
    credentials: one.credentials,
    maxAttempts: 1,
  })
  function clientsOf(node: ServerProcess) {
    const made = {
      kms: new sdk.KMSClient(settings(node)),
      trail: new cloudtrail.CloudTrailClient(settings(node)),
    }
    clients.push(made.kms, made.trail)
    return made
  }
  let at: readonly ReturnType<typeof clientsOf>[]
  const node = (index: number) => at[index % 2] ?? assert.fail()
  const onNode = (server: ServerProcess, ...args: readonly string[]): Promise<Finished> =>
    runStrongroom([...args, '--data', server.dataFolder, '--keyfile', keyfile], {
      env: { STRONGROOM_STORE: store },
    })
  const idOf = (server: ServerProcess): string =>
    readFileSync(join(server.dataFolder, 'node-id'), 'utf8').trim()

  before(async () => {
    database = await startPostgres()
    db = new pg.Client({ connectionString: database.url })
    await db.connect()
    await db.query(`DROP SCHEMA IF EXISTS ${SCHEMA} CASCADE`)
    store = urlWith(database, { schema: SCHEMA })
    const migrated = await runStrongroom(['migrate'], { env: { STRONGROOM_STORE: store } })
    assert.equal(migrated.exitCode, 0, migrated.stderr)
    one = await startNode('one')
    two = await startNode('two')
    at = [clientsOf(one), clientsOf(two)]
    KeyId = (await node(0).kms.send(new sdk.CreateKeyCommand({}))).KeyMetadata?.KeyId ?? ''
    for (let call = 0; call < CALLS; call++) {
      const { $metadata } = await node(call).kms.send(
        new sdk.EncryptCommand({ KeyId, Plaintext: Buffer.from([call]) }),
      )
      requestIds.push($metadata.requestId ?? '')
    }
  })
  after(async () => {
    for (const client of clients) client.destroy()
    await one?.kill9()
    await two?.kill9()
    await db?.end()
    await database?.stop()
  })

  /** Every Encrypt of LookupEvents, page by page, each page from the other node. */
  async function looked(first: number, more: Partial<cloudtrail.LookupEventsCommandInput> = {}) {
    const found: string[] = []
    const times: number[] = []
    let NextToken: string | undefined
    let pages = 0
    do {
      const page: cloudtrail.LookupEventsCommandOutput = await node(first + pages).trail.send(
        new cloudtrail.LookupEventsCommand({
          LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue: 'Encrypt' }],
          MaxResults: 5,
          ...more,
          NextToken,
        }),
      )
      for (const { CloudTrailEvent, EventTime } of page.Events ?? []) {
        times.push(EventTime?.getTime() ?? 0)
        found.push(JSON.parse(CloudTrailEvent ?? '{}').requestID)
      }
      NextToken = page.NextToken
      pages += 1
    } while (NextToken !== undefined)
    assert.deepEqual(
      times,
      times.toSorted((a, b) => b - a),
    )
    return found
  }

  test('are one list, whichever node is asked, and each page of the other one', async () => {
    for (const first of [0, 1]) {
      const found = await looked(first)
      // Times have seconds: within one, the order is that of the nodes.
      assert.deepEqual(found.toSorted(), requestIds.toSorted())
    }
    const past = { EndTime: new Date(Date.now() - 3_600_000) }
    assert.deepEqual(await looked(0, past), [])
  })

  test('are counted and searched together, and a request is explained wherever it was made', async () => {
    const stats = ['audit', 'stats', '--key', KeyId, '--operation', 'Encrypt', '--json']
    const counted = await onNode(two, ...stats, '--by', 'operation')
    assert.equal(JSON.parse(counted.stdout).count, CALLS, counted.stderr)
    const own = await onNode(two, ...stats, '--by', 'operation', '--this-node')
    assert.equal(JSON.parse(own.stdout).count, CALLS / 2)
    const impact = await onNode(one, 'key', 'impact', KeyId, '--json')
    assert.match(impact.stdout, new RegExp(`"count":${CALLS}\\b|"calls":${CALLS}\\b`))
    const explained = await onNode(one, 'explain', requestIds[1] ?? '')
    assert.match(explained.stdout, /kms\.amazonaws\.com Encrypt/)
  })

  test('leave nothing in the database that could be read, and nothing for long', async () => {
    await db.query(`CREATE TABLE ${SCHEMA}.seen AS SELECT * FROM ${SCHEMA}.node_message`)
    await db.query(
      `CREATE RULE seen AS ON INSERT TO ${SCHEMA}.node_message
        DO ALSO INSERT INTO ${SCHEMA}.seen VALUES (new.*)`,
    )
    assert.equal((await looked(0)).length, CALLS)
    await db.query(`DROP RULE seen ON ${SCHEMA}.node_message`)
    const { rows } = await db.query<{ body: Buffer }>(`SELECT body FROM ${SCHEMA}.seen`)
    assert.ok(rows.length >= 2)
    for (const { body } of rows) assert.ok(!body.toString('latin1').includes('Encrypt'))
    const { rows: left } = await db.query(`SELECT id FROM ${SCHEMA}.node_message`)
    assert.deepEqual(left, [])
    await db.query(`DROP TABLE ${SCHEMA}.seen`)
  })

  test('are not shipped to one place', async () => {
    await two.stop()
    const refused = await runStrongroom(
      ['start', '--port', '0', '--data', two.dataFolder, '--keyfile', keyfile, ...shipping('one')],
      { env: { STRONGROOM_STORE: store, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' } },
    )
    assert.equal(refused.exitCode, 1)
    assert.match(refused.stderr, new RegExp(`the node ${idOf(one)} of this store ships to s3:`))
  })

  test('are no list with gaps while a node is away, until it is forgotten', async () => {
    const away = idOf(two)
    await assert.rejects(
      looked(0, { MaxResults: 50 }),
      ({ $metadata }: { $metadata?: sdk.EncryptCommandOutput['$metadata'] }) => {
        assert.equal($metadata?.httpStatusCode, 500)
        return true
      },
    )
    await one.saysToOperator(new RegExp(`the node ${away} does not run`))
    const search = await onNode(one, 'audit', 'search', '--key', KeyId)
    assert.equal(search.exitCode, 1)
    assert.match(search.stderr, new RegExp(`the node ${away} does not run: what is in its audit`))
    assert.match(search.stderr, /Start it; one that is gone for good is forgotten/)
    const own = await onNode(
      one,
      'audit',
      'search',
      '--operation',
      'Encrypt',
      '--this-node',
      '--json',
    )
    assert.equal(own.stdout.trim().split('\n').length, CALLS / 2)
    // A command from a folder that is no node's leaves none behind, whether it succeeds or not.
    for (const [key, exitCode] of [
      [keyfile, 0],
      [join(two.dataFolder, 'node-id'), 1],
    ] as const) {
      const elsewhere = await runStrongroom(
        ['account', 'list', '--data', temporaryFolder(), '--keyfile', key],
        { env: { STRONGROOM_STORE: store } },
      )
      assert.equal(elsewhere.exitCode, exitCode, elsewhere.stderr)
    }
    const listed = await onNode(one, 'node', 'list')
    assert.equal(listed.stdout, `${idOf(one)}  this node\n${away}  stopped\n`)
    const itself = await onNode(one, 'node', 'forget', idOf(one))
    assert.match(itself.stderr, /the node runs/)
    const forgotten = await onNode(one, 'node', 'forget', away)
    assert.equal(forgotten.stdout, `The node ${away} is forgotten.\n`, forgotten.stderr)
    assert.equal((await looked(0, { MaxResults: 50 })).length, CALLS / 2)
    const again = await onNode(one, 'node', 'forget', away)
    assert.match(again.stderr, /there is no such node/)
  })

  test('are whole again when the node is back, and not once it is killed', async () => {
    two = await startNode('two', two.dataFolder)
    assert.equal((await looked(0, { MaxResults: 50 })).length, CALLS)
    await two.kill9()
    // A change waits for it in vain, and nobody does from then on.
    await node(0).kms.send(new sdk.CreateKeyCommand({}))
    await assert.rejects(looked(0, { MaxResults: 50 }), { name: 'InternalFailure' })
    const search = await onNode(one, 'audit', 'search', '--key', KeyId)
    assert.match(search.stderr, new RegExp(`the node ${idOf(two)} does not run`))
  })
})
