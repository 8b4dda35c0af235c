/**
 * An audit log of ten million events: how fast its index is built, how large it is, and how long questions take.
 * Run it with `node bench/audit-search.ts [--events N] [--folder DIR] [--keep] [--log DIR]`. Ten million events need
 * 12 GB of disk and half an hour; nothing is left behind unless `--keep` says so.
 */
import { createSecretKey } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { AuditIndex } from '../src/audit/event-index/audit-index.ts'
import { openAuditLog } from '../src/audit/segments/open-audit-log.ts'
import { diskSegmentFiles } from '../src/audit/segments/segment-files.ts'
import type { EventCountsQuery, EventPageQuery } from '../src/core/audit-search.ts'
import { instant } from '../src/core/ids.ts'

const options = parseArgs({
  options: {
    events: { type: 'string', default: '10000000' },
    folder: { type: 'string', default: tmpdir() },
    keep: { type: 'boolean', default: false },
    // A folder that --keep left: its log is not written again, and its index is used as it is.
    log: { type: 'string' },
  },
}).values

const NODE_ID = 'bench'
const ACCOUNT = '111122223333'
const REGION = 'eu-central-1'
const DAY_MS = 86_400_000
const DAYS = 90
const START = Date.UTC(2026, 0, 1)
const EVENTS = Number(options.events)
const REPEATS = 200

const SERVICES = 300
const KEYS = 500
const TENANTS = 200
const OPERATIONS = ['Decrypt', 'Decrypt', 'Decrypt', 'GenerateDataKey', 'Encrypt', 'DescribeKey']

const silent = { info: () => undefined, warn: () => undefined, error: console.error }
const clock = { now: () => instant(Date.now()) }

/** Numbers that look drawn and are the same in each run. */
function mix(n: number): number {
  let x = Math.imul(n ^ (n >>> 16), 0x45d9f3b)
  x = Math.imul(x ^ (x >>> 16), 0x45d9f3b)
  return (x ^ (x >>> 16)) >>> 0
}

const hex = (n: number): string => mix(n).toString(16).padStart(8, '0')
const uuid = (n: number, kind: string): string => `${hex(n)}-${kind}-4000-8000-${hex(n + 7)}${kind}`
const keyArn = (key: number): string => `arn:aws:kms:${REGION}:${ACCOUNT}:key/${uuid(key, '0000')}`
const roleArn = (service: number): string => `arn:aws:iam::${ACCOUNT}:role/service-${service}`
const timeOf = (n: number): number => START + Math.floor((n * DAYS * DAY_MS) / EVENTS)

/** A call as the node writes it: a service's pods, with sessions of twelve hours, use a few keys. */
function frameOf(n: number): string {
  const drawn = mix(n + 1_000_003)
  // Some services call far more often than others.
  const service = Math.floor(SERVICES * ((drawn & 0xffff) / 65_536) ** 2)
  const pod = (drawn >>> 16) & 3
  const time = timeOf(n)
  const session = `${service}-${pod}-${Math.floor(time / (DAY_MS / 2))}`
  const key = (service * 7 + ((drawn >>> 18) % 3) * 101) % KEYS
  const operation = OPERATIONS[(drawn >>> 20) % OPERATIONS.length] ?? 'Decrypt'
  const isDenied = (drawn >>> 22) % 200 === 0
  const context = { app: `service-${service}`, tenant: `t${(drawn >>> 8) % TENANTS}` }
  const error = isDenied
    ? '"errorCode":"AccessDenied","errorMessage":"User is not authorized to perform this action on this resource",'
    : ''
  const eventTime = `${new Date(time).toISOString().slice(0, 19)}Z`
  return (
    `{"kind":"call","internal":{"time":${time},"outcome":"${isDenied ? 'AccessDeniedException' : 'ok'}","decided":[]},"records":[` +
    `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROA${service}:pod-${session}",` +
    `"arn":"arn:aws:sts::${ACCOUNT}:assumed-role/service-${service}/pod-${session}","accountId":"${ACCOUNT}","accessKeyId":"ASIA${session}",` +
    `"sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA${service}","arn":"${roleArn(service)}","accountId":"${ACCOUNT}","userName":"service-${service}"},"attributes":{"creationDate":"${eventTime}","mfaAuthenticated":"false"}}},` +
    `"eventTime":"${eventTime}","eventSource":"kms.amazonaws.com","eventName":"${operation}","awsRegion":"${REGION}",` +
    `"sourceIPAddress":"10.0.${service % 250}.${pod}","userAgent":"aws-sdk-js/3.1162.0 os/linux lang/js md/nodejs#24.0.0",${error}` +
    `"requestParameters":{"encryptionContext":${JSON.stringify(context)},"keyId":"${keyArn(key)}","encryptionAlgorithm":"SYMMETRIC_DEFAULT"},"responseElements":null,` +
    `"requestID":"${uuid(n, 'aaaa')}","eventID":"${uuid(n, 'bbbb')}","readOnly":true,"resources":[{"accountId":"${ACCOUNT}","type":"AWS::KMS::Key","ARN":"${keyArn(key)}"}],` +
    `"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"${ACCOUNT}","eventCategory":"Management"}]}`
  )
}

const seconds = (sinceMs: number): number => (performance.now() - sinceMs) / 1000
const print = (what: string, value: string): void => {
  process.stdout.write(`${what.padEnd(62)}${value}\n`)
}
const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`

async function writeLog(folder: string): Promise<void> {
  const { log } = await openAuditLog({
    folder,
    nodeId: NODE_ID,
    macKey: createSecretKey(Buffer.alloc(32, 1)),
    macKeyId: 'bench',
    clock,
    log: silent,
    durability: 'async',
  })
  const started = performance.now()
  const AT_ONCE = 2000
  for (let from = 0; from < EVENTS; from += AT_ONCE) {
    const ends: Promise<void>[] = []
    for (let n = from; n < Math.min(from + AT_ONCE, EVENTS); n += 1) {
      ends.push(
        new Promise((resolve, reject) => {
          log.append(frameOf(n), (error) => (error === undefined ? resolve() : reject(error)))
        }),
      )
    }
    await Promise.all(ends)
    while (log.stats().waitingFrames > 4 * AT_ONCE)
      await new Promise((resolve) => setImmediate(resolve))
  }
  const { segment } = log.head()
  await log.close()
  print('log', `${EVENTS} events, ${segment} segments, ${seconds(started).toFixed(0)} s to write`)
}

/** Milliseconds of many runs, in order. */
async function timed(run: (n: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  for (let n = 0; n < REPEATS; n += 1) {
    const start = performance.now()
    await run(n)
    times.push(performance.now() - start)
  }
  return times.sort((a, b) => a - b)
}

async function measure(what: string, run: (n: number) => Promise<unknown>): Promise<void> {
  await run(REPEATS)
  const times = await timed(run)
  const at = (share: number): string =>
    (times[Math.floor((times.length - 1) * share)] ?? 0).toFixed(2).padStart(8)
  print(what, `p50 ${at(0.5)} ms   p99 ${at(0.99)} ms`)
}

const page = (rest: Partial<EventPageQuery>): EventPageQuery => ({
  order: 'newest-first',
  limit: 50,
  ...rest,
})
const monthOf = (n: number) => {
  const from = START + (n % 60) * DAY_MS
  return { from: instant(from), to: instant(from + 30 * DAY_MS) }
}

/** The number of some event. */
const some = (n: number): number => Math.floor((mix(n + 5) / 2 ** 32) * EVENTS)

async function ask(index: AuditIndex): Promise<void> {
  const search = (what: string, of: (n: number) => Partial<EventPageQuery>) =>
    measure(what, async (n) => index.search(page(of(n))))
  const counts = (what: string, of: (n: number) => Omit<EventCountsQuery, 'limit'>) =>
    measure(what, async (n) => index.counts({ ...of(n), limit: 100 }))
  await counts('who decrypted with a key in a month, from where, how often', (n) => ({
    ...monthOf(n),
    resourceName: keyArn(mix(n) % KEYS),
    eventName: 'Decrypt',
    by: ['principal', 'source'],
  }))
  await counts('the same in 30 days that begin at 11:17', (n) => ({
    from: instant(monthOf(n).from + 40_620_000),
    to: instant(monthOf(n).to + 40_620_000),
    resourceName: keyArn(mix(n) % KEYS),
    eventName: 'Decrypt',
    by: ['principal', 'source'],
  }))
  await counts('uses of a key in 90 days by principal and operation', (n) => ({
    resourceName: uuid(mix(n) % KEYS, '0000'),
    by: ['principal', 'operation'],
  }))
  await search('an event by its id', (n) => ({ eventId: uuid(some(n), 'bbbb') }))
  await search('a request by its id', (n) => ({ requestId: uuid(some(n), 'aaaa') }))
  await search('newest 50 of all', () => ({}))
  await search('newest 50 of a key', (n) => ({ resourceName: keyArn(mix(n) % KEYS) }))
  await search('50 denied of a key in a month', (n) => ({
    ...monthOf(n),
    resourceName: keyArn(mix(n) % KEYS),
    outcome: 'denied',
  }))
  await search('oldest 50 of a role', (n) => ({
    principal: roleArn(mix(n) % SERVICES),
    order: 'oldest-first',
  }))
  await search('50 of an access key', (n) => {
    const half = Math.floor(timeOf(some(n)) / (DAY_MS / 2))
    return { accessKeyId: `ASIA${mix(n) % SERVICES}-1-${half}` }
  })
  await search('50 from an address', (n) => ({ sourceIp: `10.0.${mix(n) % 250}.2` }))
  await search('50 of an operation in a day', (n) => ({
    from: monthOf(n).from,
    to: instant(monthOf(n).from + DAY_MS),
    eventName: 'Encrypt',
  }))
  await search('50 with a pair of an encryption context', (n) => ({
    encryptionContext: { tenant: `t${mix(n) % TENANTS}` },
  }))
  await search('50 with two pairs, of a key', (n) => {
    const service = mix(n) % SERVICES
    return {
      resourceName: keyArn((service * 7) % KEYS),
      encryptionContext: { tenant: `t${mix(n) % TENANTS}`, app: `service-${service}` },
    }
  })
  await search('50 of a name that no event has', () => ({ username: 'nobody' }))
}

async function main(): Promise<void> {
  const folder = options.log ?? mkdtempSync(join(options.folder, 'strongroom-search-'))
  const auditFolder = join(folder, 'audit')
  const file = join(folder, 'index.db')
  try {
    if (options.log === undefined) await writeLog(auditFolder)
    const index = new AuditIndex({
      files: diskSegmentFiles(auditFolder, { durable: false }),
      nodeId: NODE_ID,
      file,
      // As of a node that knows how far its log is.
      head: () => EVENTS,
      log: silent,
      steadyMs: () => performance.now(),
    })
    const started = performance.now()
    const cpuBefore = process.cpuUsage()
    await index.catchUp()
    const took = seconds(started)
    const { user, system } = process.cpuUsage(cpuBefore)
    const built = index.stats()
    if (built.lastBatchFrames > 0) {
      print(
        'index',
        `${took.toFixed(0)} s to build, ${(EVENTS / took).toFixed(0)} events a second, ${((user + system) / EVENTS).toFixed(1)} µs of CPU an event`,
      )
    }
    print(
      'index file',
      `${gib(statSync(file).size)}, ${(built.bytes / EVENTS).toFixed(0)} bytes an event`,
    )
    await ask(index)
    await index.close()
  } finally {
    if (options.keep || options.log !== undefined) process.stdout.write(`kept in ${folder}\n`)
    else rmSync(folder, { recursive: true })
  }
}

await main()
