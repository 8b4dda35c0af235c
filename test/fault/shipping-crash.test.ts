import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { diskTrailCopy, type TrailCopy } from '../../src/audit/trail/trail-copy.ts'
import { diskTrailObjects } from '../../src/audit/trail/trail-objects-disk.ts'
import { publicKeyPem, type TrailSigningKeys } from '../../src/audit/trail/trail-signing-keys.ts'
import { parseTrustedKeys } from '../../src/audit/trail/trusted-keys.ts'
import { verifyTrail } from '../../src/audit/trail/verify-trail.ts'
import type { Instant } from '../../src/core/ids.ts'
import { TABLES } from '../../src/core/tables.ts'
import { openEmbeddedStore } from '../../src/storage/embedded/embedded-store.ts'
import { createRecordStore } from '../../src/storage/record-store.ts'
import { TwoKeyGuard } from '../contract/record-store-fixture.ts'
import { S3StandIn } from '../support/s3-stand-in.ts'
import { runStrongroom, startServer, temporaryFolder } from '../support/server-process.ts'
import { HOUR, openTestTrail } from '../support/trail-fixture.ts'
import { memoryCopy } from '../support/trail-maker.ts'

const PROGRAM = fileURLToPath(new URL('shipping-process.ts', import.meta.url))
const HOURS = 6
/** An hour of one account takes six requests; each run gets a few more before it is killed. */
const REQUESTS_MORE = 3
const PREFIX = '/copies/'

interface Trail {
  readonly storeFile: string
  readonly trailFolder: string
  readonly signingKeys: TrailSigningKeys
  readonly until: Instant
}

/** Some hours of two accounts, on disk as a node leaves them. */
async function makeTrail(): Promise<Trail> {
  const folder = temporaryFolder()
  const storeFile = join(folder, 'strongroom.db')
  const trailFolder = join(folder, 'trail')
  const tables = TABLES.map(({ schema }) => schema)
  const rows = await openEmbeddedStore({ file: storeFile, tables })
  const records = createRecordStore({ rows, guard: new TwoKeyGuard(), cacheRecords: 100 })
  const trail = await openTestTrail({ records, objects: diskTrailObjects(trailFolder) })
  for (let hour = 0; hour < HOURS; hour++) {
    await trail.event(`${hour}`)
    await trail.event(`${hour}-other`, { accountId: '444455556666', region: 'us-east-2' })
    await trail.delivery.catchUp()
    trail.clock.advance(HOUR)
    await trail.delivery.closeDueHours(trail.clock.now())
  }
  await rows.close()
  return { storeFile, trailFolder, signingKeys: trail.signingKeys, until: trail.clock.now() }
}

/** Where to, and how many requests are answered before the kill. */
interface Ground {
  readonly store: S3StandIn
  readonly copies: string
  readonly requestsMax: number
}

/** Runs the process until it ends or is killed. @returns whether all had been shipped */
async function ship(trail: Trail, { store, copies, requestsMax }: Ground): Promise<boolean> {
  const args = [PROGRAM, trail.storeFile, trail.trailFolder, store.url, copies]
  const child: ChildProcess = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  let requests = 0
  store.mishap = () => {
    requests += 1
    if (requests > requestsMax) child.kill('SIGKILL')
    return requests > requestsMax ? 'hangs' : undefined
  }
  await once(child, 'close')
  return output === 'done\n'
}

async function assertWhole(copy: TrailCopy, { signingKeys, until }: Trail): Promise<void> {
  const keys = parseTrustedKeys((await signingKeys.all()).map(publicKeyPem).join(''))
  const verdict = await verifyTrail(copy, { keys, until })
  assert.deepEqual([verdict.findings, verdict.notes], [[], []])
  assert.deepEqual([verdict.accounts, verdict.records], [2, 2 * HOURS])
}

describe('shipping', () => {
  test('goes on where it was after kill -9, at any place, and ends with whole copies', async () => {
    const trail = await makeTrail()
    const copies = join(temporaryFolder(), 'copies')
    mkdirSync(copies)
    await using store = await new S3StandIn().listen()
    let runs = 1
    while (!(await ship(trail, { store, copies, requestsMax: runs * REQUESTS_MORE }))) {
      runs += 1
      assert.ok(runs < 20, 'it gets on')
    }
    assert.ok(runs > 4, `it was killed ${runs - 1} times`)
    await assertWhole(diskTrailCopy(copies), trail)
    const inStore = new Map(
      [...store.objects].map(([path, { body }]) => [path.slice(PREFIX.length), body]),
    )
    await assertWhole(memoryCopy(inStore), trail)
    const puts = store.puts.length
    assert.ok(await ship(trail, { store, copies, requestsMax: 0 }))
    assert.equal(store.puts.length, puts, 'what is there is not put again')
  })

  test('of a node has all that it delivered when it has stopped', async () => {
    const dataFolder = temporaryFolder()
    const copies = temporaryFolder()
    await using server = await startServer({ dataFolder, flags: ['--ship-to', `dir:${copies}`] })
    const kms = new KMSClient({
      endpoint: server.endpoint,
      region: 'eu-central-1',
      credentials: server.credentials,
    })
    await kms.send(new CreateKeyCommand({}))
    kms.destroy()
    const status = await runStrongroom(['status', '--data', dataFolder])
    assert.match(status.stdout, /^shipped to +dir:.* \(up to date\)$/m)
    await server.stop()
    const files = (folder: string): readonly string[] =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.endsWith('.gz'),
      )
    const delivered = files(join(dataFolder, 'trail'))
    assert.ok(delivered.length > 0)
    assert.deepEqual(files(copies).toSorted(), delivered.toSorted())
  })
})
