import assert from 'node:assert/strict'
import { createPublicKey, hash, type KeyObject, verify } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { FrameWriter } from '../../src/audit/event.ts'
import type { AuditLog } from '../../src/audit/segments/audit-log.ts'
import { openMemoryAuditLog } from '../../src/audit/segments/memory-log.ts'
import { logSource } from '../../src/audit/trail/log-source.ts'
import { TrailDelivery } from '../../src/audit/trail/trail-delivery.ts'
import type { DigestFile } from '../../src/audit/trail/trail-format.ts'
import type { TrailSource } from '../../src/audit/trail/trail-gathering.ts'
import type { TrailObjects } from '../../src/audit/trail/trail-objects.ts'
import { memoryTrailObjects } from '../../src/audit/trail/trail-objects-memory.ts'
import { TrailSigningKeys } from '../../src/audit/trail/trail-signing-keys.ts'
import type { StartOptions } from '../../src/cli/program.ts'
import { type Instant, instant, plusMs } from '../../src/core/ids.ts'
import type { Clock } from '../../src/core/ports.ts'
import type { RecordStore } from '../../src/core/records.ts'
import { Secret } from '../../src/core/secret.ts'
import { TABLES } from '../../src/core/tables.ts'
import { createCustody } from '../../src/crypto/custody.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { memorySeal } from '../../src/crypto/seal-memory.ts'
import { openMemoryStore } from '../../src/storage/memory/memory-store.ts'
import { createRecordStore } from '../../src/storage/record-store.ts'
import { append, keptLog } from '../fault/audit-fixture.ts'

export const ACCOUNT = '111122223333'
export const REGION = 'eu-central-1'
export const HOME_REGION = 'eu-west-1'
/** Ten past ten. */
export const START = instant(Date.parse('2026-03-01T10:10:00Z'))
export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

/** A start's options, on a folder, with nothing printed. */
export const folderOptions = (dataFolder: string): StartOptions => ({
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

/** A clock that stands until it is moved. */
export class StandingClock implements Clock {
  time: Instant = START

  now(): Instant {
    return this.time
  }

  advance(milliseconds: number): void {
    this.time = plusMs(this.time, milliseconds)
  }

  set(iso: string): void {
    this.time = instant(Date.parse(iso))
  }
}

/** A log, a store and a trail in memory. */
export interface TestTrail {
  readonly clock: StandingClock
  readonly log: AuditLog
  readonly messages: string[]
  readonly source: TrailSource
  readonly records: RecordStore
  readonly objects: TrailObjects
  readonly signingKeys: TrailSigningKeys
  readonly delivery: TrailDelivery
  /** Appends a call's frame. */
  event(id: string, place?: { accountId?: string; region?: string }): Promise<void>
}

const frames = new FrameWriter()

/** An empty store in memory. */
export async function openRecords(clock: Clock): Promise<RecordStore> {
  const random = createRandom()
  const rows = openMemoryStore(TABLES.map(({ schema }) => schema))
  const custody = await createCustody({ seal: memorySeal(random), random, clock })
  return createRecordStore({ rows, guard: custody, cacheRecords: 1000 })
}

/** Drawing a key takes a tenth of a second: one is enough for all trails of a process. */
let sharedKeys: Promise<TrailSigningKeys> | undefined

async function openKeys(): Promise<TrailSigningKeys> {
  const clock = { now: () => START }
  return new TrailSigningKeys({ records: await openRecords(clock), clock })
}

/** The frame of a call. */
export const callFrame = (
  eventId: string,
  time: Instant,
  { accountId = ACCOUNT, region = REGION }: { accountId?: string; region?: string } = {},
): string =>
  frames.call({
    eventId,
    requestId: `request-${eventId}`,
    time,
    // Also for owners that are no accounts.
    accountId,
    region,
    eventSource: 'kms.amazonaws.com',
    eventName: 'Decrypt',
    accessKeyId: 'AKIAEXAMPLE',
    userIdentityJson: '{"type":"Root"}',
    userAgent: 'test',
    host: 'localhost',
    connection: { remoteAddress: '127.0.0.1' },
    readOnly: true,
    requestParametersJson: '{"encryptionContext":{"2":"\\u0041","1":"a"}}',
    responseElementsJson: 'null',
    additionalEventDataJson: undefined,
    resources: [],
    error: undefined,
    decidedJson: undefined,
  })

export async function openTestTrail(
  options: {
    objects?: TrailObjects
    records?: RecordStore
    steadyMs?: () => number
    isBusy?: () => boolean
  } = {},
): Promise<TestTrail> {
  const clock = new StandingClock()
  const kept = keptLog()
  const records = options.records ?? (await openRecords(clock))
  const { log, files } = await openMemoryAuditLog({ nodeId: 'node-1', clock, log: kept })
  const objects = options.objects ?? memoryTrailObjects()
  sharedKeys ??= openKeys()
  const signingKeys = await sharedKeys
  const source = logSource({ nodeId: 'node-1', files, head: () => log.head(), log: kept })
  const parts = { source, records, objects, signingKeys, homeRegion: HOME_REGION, clock, log: kept }
  const { steadyMs, isBusy } = options
  return {
    clock,
    log,
    messages: kept.messages,
    source,
    records,
    objects,
    signingKeys,
    delivery: new TrailDelivery({ ...parts, isBusy, ...(steadyMs && { steadyMs }) }),
    async event(id, place) {
      assert.equal(await append(log, callFrame(id, clock.now(), place)), undefined)
    },
  }
}

/** A digest that was found good, oldest first. */
export interface CheckedDigest {
  readonly digest: DigestFile
  /** The event ids of each log file. */
  readonly events: readonly (readonly string[])[]
}

/** The public keys of a trail by their fingerprints. */
async function publicKeysOf(keys: TrailSigningKeys): Promise<ReadonlyMap<string, KeyObject>> {
  const listed = await keys.all()
  return new Map(
    listed.map(({ fingerprint, value }) => {
      const der = Buffer.from(value, 'base64')
      assert.equal(hash('md5', der, 'hex'), fingerprint)
      return [fingerprint, createPublicKey({ key: der, format: 'der', type: 'pkcs1' })]
    }),
  )
}

/**
 * Validates a chain as the CloudTrail User Guide says ("Custom implementations of CloudTrail log file integrity
 * validation"), with none of our own code, and beyond that: no gap in time, no log file that no digest names.
 */
export async function checkChain(
  { objects, signingKeys }: Pick<TestTrail, 'objects' | 'signingKeys'>,
  {
    accountId = ACCOUNT,
    region = REGION,
    isCut = false,
  }: {
    accountId?: string
    region?: string /** Retention has removed its beginning. */
    isCut?: boolean
  } = {},
): Promise<readonly CheckedDigest[]> {
  const keys = await publicKeysOf(signingKeys)
  const list = async (kind: string): Promise<string[]> => {
    const prefix = `AWSLogs/${accountId}/${kind}/${region}/`
    return (await objects.list(accountId, { prefix, limit: 1000 })).map(({ key }) => key)
  }
  const checked: CheckedDigest[] = []
  const named: string[] = []
  let before: { digest: DigestFile; bytes: Buffer; signature: string } | undefined
  for (const key of (await list('CloudTrail-Digest')).sort()) {
    const object = await objects.get(accountId, key)
    assert.ok(object)
    const bytes = gunzipSync(object.body)
    // The text is checked below; a member that is missing fails there.
    const digest = JSON.parse(bytes.toString()) as DigestFile
    const signature = object.metadata['signature'] ?? ''
    const signed = `${digest.digestEndTime}\n${digest.digestS3Bucket}/${digest.digestS3Object}\n${hash('sha256', bytes, 'hex')}\n${digest.previousDigestSignature ?? 'null'}`
    const publicKey = keys.get(digest.digestPublicKeyFingerprint)
    assert.ok(publicKey, 'its key is listed')
    assert.ok(verify('sha256', Buffer.from(signed), publicKey, Buffer.from(signature, 'hex')), key)
    assert.equal(digest.digestS3Object, key)
    assert.equal(digest.digestS3Bucket, `strongroom-audit-${accountId}`)
    if (before !== undefined || !isCut) {
      assert.equal(digest.previousDigestS3Object, before?.digest.digestS3Object ?? null)
      assert.equal(digest.previousDigestSignature, before?.signature ?? null)
      assert.equal(
        digest.previousDigestHashValue,
        before === undefined ? null : hash('sha256', before.bytes, 'hex'),
      )
    }
    if (before !== undefined)
      assert.equal(digest.digestStartTime, before.digest.digestEndTime, 'no gap')
    const events: string[][] = []
    for (const file of digest.logFiles) {
      const log = await objects.get(accountId, file.s3Object)
      assert.ok(log, `${file.s3Object} is there`)
      const content = gunzipSync(log.body)
      assert.equal(hash('sha256', content, 'hex'), file.hashValue)
      assert.equal(hash('sha256', log.body, 'hex'), file.gzipHash)
      // As our own writer made it: every record has an event id.
      const { Records } = JSON.parse(content.toString()) as { Records: { eventID: string }[] }
      assert.equal(Records.length, file.recordCount)
      events.push(Records.map(({ eventID }) => eventID))
      named.push(file.s3Object)
    }
    checked.push({ digest, events })
    before = { digest, bytes, signature }
  }
  const stray = (await list('CloudTrail')).filter((key) => !named.includes(key))
  if (checked.length > 0) assert.deepEqual(stray, [], 'every log file is in a digest')
  return checked
}

/** What a digest says of time and events, in short. */
export const shown = ({ digest, events }: CheckedDigest): string =>
  `${digest.digestStartTime.slice(0, 13)} ${digest.digestEndTime.slice(0, 13)} ${events.map((ids) => ids.join(',')).join(' ')}`.trim()
