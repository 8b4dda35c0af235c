/**
 * Keeps a node busy with everything that it does, and compares what it holds after a warm-up with what it holds at the
 * end: `node test/extra/soak.ts --minutes 60`. Prints a line a minute; exit code 1 where memory or descriptors have grown.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type ServerProcess, startServer } from '../support/server-process.ts'
import { blob, createKey, succeeded, textOf, WireClient } from '../support/wire-client.ts'
import { collectGarbage } from './garbage.ts'

/** Resident memory, with the garbage collected, may be so much higher at the end than after the warm-up: caches fill. */
export const MEMORY_GROWTH_MAX = 0.25
/** And so many bytes anyway: pages that V8 and the allocator keep for later go up and down by as much. */
export const MEMORY_SLACK_BYTES = 48 * 2 ** 20
/** Files that the node opens now and then itself: segments, its index, its trail. */
export const DESCRIPTORS_GROWTH_MAX = 10
/** Clients that call at once. */
const LANES = 4
/** Keys of a lane: each round of it uses one of them, and makes a new one now and then. */
const KEYS = 8

/** What a process holds. */
export interface Holdings {
  /** Lowest resident memory of a few looks. Unit: bytes. */
  readonly memoryBytes: number
  readonly descriptors: number
  readonly calls: number
}

export interface SoakResult {
  readonly warm: Holdings
  readonly end: Holdings
  /** What has grown beyond its tolerance; none where all is well. */
  readonly findings: readonly string[]
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** @param inspectorUrl of the process, whose garbage would otherwise count: its collector is lazy where there is memory */
async function holdingsOf(
  { pid }: ServerProcess,
  inspectorUrl: string,
  calls: number,
): Promise<Holdings> {
  await collectGarbage(inspectorUrl)
  let memoryBytes = Number.POSITIVE_INFINITY
  for (let look = 0; look < 5; look += 1) {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    memoryBytes = Math.min(memoryBytes, Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024)
    await sleep(100)
  }
  return { memoryBytes, descriptors: readdirSync(`/proc/${pid}/fd`).length, calls }
}

/** One round of a client: uses, refusals, changes, and a connection that is dropped. */
async function round(client: WireClient, keys: string[], n: number): Promise<number> {
  if (keys.length < KEYS) keys.push((await createKey(client)).id)
  const KeyId = keys[n % keys.length] ?? ''
  const encrypted = await client.kms('Encrypt', {
    KeyId,
    Plaintext: blob('x'.repeat(1 + (n % 3000))),
  })
  const CiphertextBlob = textOf(succeeded(encrypted), 'CiphertextBlob')
  succeeded(await client.kms('Decrypt', { CiphertextBlob }))
  succeeded(await client.kms('GenerateDataKey', { KeyId, KeySpec: 'AES_256' }))
  succeeded(await client.kms('DescribeKey', { KeyId }))
  await client.kms('Decrypt', { CiphertextBlob: blob('none') })
  await client.kms('ListKeys', {}, { secret: 'wrong' })
  await client.kms('Encrypt', '{')
  if (n % 20 === 0) {
    succeeded(await client.kms('TagResource', { KeyId, Tags: [{ TagKey: 'n', TagValue: `${n}` }] }))
    succeeded(await client.kms('ListKeys', { Limit: 100 }))
    client.close()
  }
  if (n % 500 === 499) {
    const gone = keys.shift()
    succeeded(await client.kms('ScheduleKeyDeletion', { KeyId: gone, PendingWindowInDays: 7 }))
  }
  return 7
}

function findingsOf(warm: Holdings, end: Holdings): readonly string[] {
  const findings: string[] = []
  const memoryMax = warm.memoryBytes * (1 + MEMORY_GROWTH_MAX) + MEMORY_SLACK_BYTES
  if (end.memoryBytes > memoryMax) {
    findings.push(`memory has grown from ${warm.memoryBytes} to ${end.memoryBytes} bytes`)
  }
  if (end.descriptors > warm.descriptors + DESCRIPTORS_GROWTH_MAX) {
    findings.push(`descriptors have grown from ${warm.descriptors} to ${end.descriptors}`)
  }
  return findings
}

/** Soaks a node of its own. @param onMinute told what the node holds, once a minute */
export async function soak(
  { warmUpMs, durationMs }: { readonly warmUpMs: number; readonly durationMs: number },
  onMinute: (holdings: Holdings) => void = () => undefined,
): Promise<SoakResult> {
  await using server = await startServer({
    flags: ['--log-level', 'silent'],
    env: { NODE_OPTIONS: '--inspect=127.0.0.1:0' },
  })
  const inspectorUrl = await server.saysToOperator(/ws:\/\/127\.0\.0\.1:\S+/)
  const { accessKeyId, secretAccessKey } = server.credentials
  let calls = 0
  const over = new AbortController()
  const lane = async (): Promise<void> => {
    const client = new WireClient(server.endpoint, accessKeyId, 'us-east-1', secretAccessKey)
    const keys: string[] = []
    for (let n = 0; !over.signal.aborted; n += 1) calls += await round(client, keys, n)
    client.close()
  }
  const lanes = Promise.all(Array.from({ length: LANES }, lane))
  const minutes = setInterval(() => {
    void holdingsOf(server, inspectorUrl, calls).then(onMinute)
  }, 60_000)
  try {
    await Promise.race([sleep(warmUpMs), lanes])
    const warm = await holdingsOf(server, inspectorUrl, calls)
    await Promise.race([sleep(durationMs), lanes])
    const end = await holdingsOf(server, inspectorUrl, calls)
    over.abort()
    await lanes
    await server.stop()
    return { warm, end, findings: findingsOf(warm, end) }
  } finally {
    over.abort()
    clearInterval(minutes)
  }
}

const told = ({ memoryBytes, descriptors, calls }: Holdings): string =>
  `${calls} calls, ${Math.round(memoryBytes / 2 ** 20)} MiB, ${descriptors} descriptors`

if (import.meta.main) {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' } } })
  const durationMs = Number(values.minutes) * 60_000
  const warmUpMs = Math.min(durationMs / 4, 5 * 60_000)
  const { warm, end, findings } = await soak(
    { warmUpMs, durationMs: durationMs - warmUpMs },
    (holdings) => console.log(told(holdings)),
  )
  console.log(`after the warm-up: ${told(warm)}`)
  console.log(`at the end: ${told(end)}`)
  for (const finding of findings) console.log(finding)
  process.exitCode = findings.length === 0 ? 0 : 1
}
