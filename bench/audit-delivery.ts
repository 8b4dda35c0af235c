/**
 * What the delivery of the audit trail costs for each event, and how long it holds up the event loop. Run it with
 * `node bench/audit-delivery.ts [events, 100,000 if left out]`; it takes half a minute and leaves nothing behind.
 */
import { createSecretKey } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { FrameWriter } from '../src/audit/event.ts'
import { openAuditLog } from '../src/audit/segments/open-audit-log.ts'
import { logSource } from '../src/audit/trail/log-source.ts'
import { TrailDelivery } from '../src/audit/trail/trail-delivery.ts'
import { diskTrailObjects } from '../src/audit/trail/trail-objects-disk.ts'
import { TrailSigningKeys } from '../src/audit/trail/trail-signing-keys.ts'
import { HOUR_MS } from '../src/core/hours.ts'
import { type Instant, instant } from '../src/core/ids.ts'
import { TABLES } from '../src/core/tables.ts'
import { createCustody } from '../src/crypto/custody.ts'
import { createRandom } from '../src/crypto/random.ts'
import { memorySeal } from '../src/crypto/seal-memory.ts'
import { openEmbeddedStore } from '../src/storage/embedded/embedded-store.ts'
import { createRecordStore } from '../src/storage/record-store.ts'

const EVENTS = Number(process.argv[2] ?? 100_000)
const APPENDED_TOGETHER = 500
const ACCOUNT = '111122223333'
const REGION = 'eu-central-1'
const KEY_ARN = `arn:aws:kms:${REGION}:${ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab`
const MATERIAL = '96083e4fb6dbc41d77578a213a6b6669c044dd4c143e96755396d2bf11fd6068'

const random = createRandom()
const frames = new FrameWriter()
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
let time = instant(Date.parse('2026-03-01T10:10:00Z'))
const clock = { now: (): Instant => time }

const aFrame = (n: number): string =>
  frames.call({
    eventId: random.uuid(),
    requestId: random.uuid(),
    time,
    accountId: ACCOUNT,
    region: REGION,
    eventSource: 'kms.amazonaws.com',
    eventName: 'Decrypt',
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    userIdentityJson: `{"type":"IAMUser","principalId":"AIDAEXAMPLE${n % 7}","arn":"arn:aws:iam::${ACCOUNT}:user/app${n % 7}","accountId":"${ACCOUNT}","accessKeyId":"AKIAIOSFODNN7EXAMPLE","userName":"app${n % 7}"}`,
    userAgent: 'aws-sdk-js/3.1162.0 ua/2.1 os/linux lang/js md/nodejs api/kms#3.1162.0',
    host: 'localhost',
    connection: { remoteAddress: `10.0.0.${n % 200}` },
    readOnly: true,
    requestParametersJson: `{"encryptionContext":{"tenant":"t${n % 1000}","record":"${random.uuid()}"},"keyId":"${KEY_ARN}","encryptionAlgorithm":"SYMMETRIC_DEFAULT"}`,
    responseElementsJson: 'null',
    additionalEventDataJson: `{"keyMaterialId":"${MATERIAL}"}`,
    resources: [{ accountId: ACCOUNT, type: 'AWS::KMS::Key', arn: KEY_ARN }],
    error: undefined,
    decidedJson: '[{"action":"kms:Decrypt","effect":"allow"}]',
  })

async function open(folder: string) {
  const rows = await openEmbeddedStore({
    file: join(folder, 'store.db'),
    tables: TABLES.map(({ schema }) => schema),
  })
  const custody = await createCustody({ seal: memorySeal(random), random, clock })
  const records = createRecordStore({ rows, guard: custody, cacheRecords: 1000 })
  const { log } = await openAuditLog({
    folder: join(folder, 'audit'),
    nodeId: 'bench',
    macKey: createSecretKey(Buffer.alloc(32)),
    macKeyId: 'bench',
    clock,
    log: quiet,
  })
  const delivery = new TrailDelivery({
    source: logSource({
      nodeId: 'bench',
      files: join(folder, 'audit'),
      head: () => log.head(),
      log: quiet,
    }),
    records,
    objects: diskTrailObjects(join(folder, 'trail')),
    signingKeys: new TrailSigningKeys({ records, clock }),
    homeRegion: REGION,
    clock,
    log: quiet,
  })
  return { rows, log, delivery }
}

const folder = mkdtempSync(join(tmpdir(), 'strongroom-delivery-'))
try {
  const { rows, log, delivery } = await open(folder)
  for (let n = 0; n < EVENTS; n += APPENDED_TOGETHER) {
    await Promise.all(
      Array.from({ length: APPENDED_TOGETHER }, (_, m) => {
        const { promise, resolve, reject } = Promise.withResolvers<void>()
        log.append(aFrame(n + m), (error) => (error === undefined ? resolve() : reject(error)))
        return promise
      }),
    )
  }
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const before = performance.eventLoopUtilization()
  const cpu = process.cpuUsage()
  const start = performance.now()
  await delivery.catchUp()
  const ms = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  const loop = performance.eventLoopUtilization(before)
  delay.disable()
  const perEvent = (us: number): string => `${(us / EVENTS).toFixed(2)} µs`
  const { filesWritten, bytesWritten } = delivery.stats()
  console.log(`${EVENTS} events in ${ms.toFixed(0)} ms`)
  console.log(`CPU, all threads   ${perEvent(user + system)} an event`)
  console.log(`event loop         ${perEvent(loop.active * 1000)} an event`)
  console.log(
    `loop delay         p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms, max ${(delay.max / 1e6).toFixed(1)} ms`,
  )
  console.log(
    `log files          ${filesWritten}, ${(bytesWritten / EVENTS).toFixed(0)} bytes an event`,
  )
  time = instant(time + HOUR_MS)
  const closing = performance.now()
  await delivery.closeDueHours(time)
  console.log(
    `closing the hour   ${(performance.now() - closing).toFixed(0)} ms, with drawing the key`,
  )
  await log.close()
  await rows.close()
} finally {
  rmSync(folder, { recursive: true })
}
