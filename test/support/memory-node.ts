import { inspect } from 'node:util'
import { memoryTrailObjects } from '../../src/audit/trail/trail-objects-memory.ts'
import type { AccountId, Instant } from '../../src/core/ids.ts'
import { instant, parseAccountId, plusMs } from '../../src/core/ids.ts'
import type { Clock, Log } from '../../src/core/ports.ts'
import type { RecordStore } from '../../src/core/records.ts'
import type { RowStore } from '../../src/core/store.ts'
import { TABLES } from '../../src/core/tables.ts'
import type { HttpHandler } from '../../src/core/transport.ts'
import type { AttestationCertificate } from '../../src/crypto/attestation/attestation-certificate.ts'
import { createCustody } from '../../src/crypto/custody.ts'
import { createRandom } from '../../src/crypto/random.ts'
import { memorySeal } from '../../src/crypto/seal-memory.ts'
import type { FrameSink } from '../../src/pipeline/audit-trail.ts'
import { withAdminRoutes } from '../../src/server/admin-endpoints.ts'
import { machineClock } from '../../src/server/clocks.ts'
import { authorizationRoutes } from '../../src/server/explanations/authorization-endpoints.ts'
import { openHttpTransport } from '../../src/server/http/http-transport.ts'
import { chooseTrustedProxies, withTrustedProxies } from '../../src/server/http/trusted-proxies.ts'
import { composeTrail, type TrailFiles } from '../../src/server/node/compose-trail.ts'
import { composeNode } from '../../src/server/node/node.ts'
import type { KmsApi } from '../../src/services/kms/api.ts'
import type { UsageJournal } from '../../src/services/kms/keys/key-usage.ts'
import type { RequestQuotas } from '../../src/services/kms/quotas/request-quotas.ts'
import { openMemoryStore } from '../../src/storage/memory/memory-store.ts'
import { createRecordStore } from '../../src/storage/record-store.ts'
import { naiveSearch } from './naive-search.ts'

/** The account of access key ids that name none. */
export const OPEN_ACCOUNT = '000000000000'
const CACHE_RECORDS = 5000
/** Where the node is. */
const HOME_REGION = 'eu-central-1'
const GRACE_MS = 1000
const DAY_MS = 86_400_000

/** A service clock that stands still until a test moves it. */
export class HeldClock implements Clock {
  #now: Instant = instant(Date.UTC(2026, 0, 15, 10, 0, 0, 250))

  now(): Instant {
    return this.#now
  }

  advance(by: { readonly days?: number; readonly ms?: number }): void {
    this.#now = plusMs(this.#now, (by.days ?? 0) * DAY_MS + (by.ms ?? 0))
  }
}

/** JSON whose form a test states by what it asserts of it. */
export type JsonObject = { readonly [member: string]: JsonValue }
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject

/** One frame of the log, taken apart. */
export interface Frame {
  readonly kind: string
  readonly internal: JsonObject
  readonly records: readonly JsonObject[]
}

/** Keeps the frames it is given, or refuses them like a full disk. */
export class CollectingSink implements FrameSink {
  /** The texts, in the order in which they became durable. */
  readonly texts: string[] = []
  /** While true, every append fails. */
  isFailing = false

  append(frame: string, done: (error?: Error) => void): void {
    const failure = this.isFailing ? new Error('no space left on device') : undefined
    if (failure === undefined) this.texts.push(frame)
    setImmediate(() => done(failure))
  }

  get frames(): Frame[] {
    // What the pipeline wrote: any other form fails the test that looks at it.
    return this.texts.map((text) => JSON.parse(text) as Frame)
  }

  /** The one CloudTrail record of the call with this request id, in the Region that was called. */
  record(requestId: string): JsonObject {
    // What stands behind the first record of a frame is of another Region.
    const records = this.frames.flatMap((frame) => frame.records.slice(0, 1))
    const found = records.filter((record) => record['requestID'] === requestId)
    const [only] = found
    if (only === undefined || found.length > 1) {
      throw new Error(`${found.length} records of request ${requestId}`)
    }
    return only
  }
}

/** The trail of what a sink has collected; chain values are left out. */
function trailFilesOf(
  sink: CollectingSink,
  parts: { readonly records: RecordStore; readonly clock: Clock; readonly log: Log },
): TrailFiles {
  const source = {
    nodeId: 'node-1',
    head: () => ({ sequence: sink.texts.length, chain: '0'.repeat(64) }),
    async *frames(from: number) {
      for (const [at, text] of sink.texts.entries()) {
        if (at + 1 >= from) yield { sequence: at + 1, text, chain: '\0'.repeat(32) }
      }
    },
  }
  return composeTrail({ ...parts, source, objects: memoryTrailObjects(), homeRegion: HOME_REGION })
}

/** Keeps what the operator would read, causes and stacks included. */
class CollectingLog implements Log {
  readonly lines: string[] = []

  info(fields: object, message: string): void {
    this.#keep('info', fields, message)
  }

  warn(fields: object, message: string): void {
    this.#keep('warn', fields, message)
  }

  error(fields: object, message: string, cause?: unknown): void {
    this.#keep('error', fields, message, cause)
  }

  #keep(level: string, fields: object, message: string, cause?: unknown): void {
    const details = inspect({ fields, cause }, { depth: 20, maxStringLength: null })
    this.lines.push(`${level} ${message} ${details}`)
  }
}

/** A whole node in memory, with what a test needs to look at and to move. */
export interface MemoryNode {
  /** Of the real HTTP transport. */
  readonly endpoint: string
  /** The same without a transport. */
  readonly handler: HttpHandler
  /** KMS as the other services of the process have it. */
  readonly kms: KmsApi
  readonly clock: HeldClock
  readonly sink: CollectingSink
  readonly log: { readonly lines: readonly string[] }
  readonly rows: RowStore
  readonly records: RecordStore
  readonly trailFiles: TrailFiles
  /** Finds in the journal what a crash has kept from the store. */
  recover(): Promise<void>
  /** Does what is due by the service's clock. */
  runTimedWork(): Promise<void>
  close(): Promise<void>
}

export interface MemoryNodeOptions {
  /** Whether only credentials that were issued are accepted, instead of any. */
  readonly closed?: boolean
  /** Another node whose store this one works on, too. */
  readonly beside?: MemoryNode
  /** A store other than an empty one in memory. Its owner closes it, after the node. */
  readonly rows?: RowStore
  /** Whose attestation documents are trusted, instead of AWS's. */
  readonly attestationRoots?: readonly AttestationCertificate[]
  /** Calls are not limited without them. */
  readonly quotas?: RequestQuotas
  /** Says when uses of keys are noted, instead of the machine. */
  readonly machine?: Clock
  readonly usageJournal?: UsageJournal
  /** As `--trusted-proxy`. */
  readonly trustedProxies?: readonly string[]
  /** Whether identity providers on this machine are asked for their keys. */
  readonly oidcAllowPrivate?: boolean
}

/** Starts a node in memory behind the real HTTP transport. */
export async function startMemoryNode(options: MemoryNodeOptions = {}): Promise<MemoryNode> {
  const clock = new HeldClock()
  const sink = new CollectingSink()
  const log = new CollectingLog()
  const random = createRandom()
  const { beside } = options
  const rows = beside?.rows ?? options.rows ?? openMemoryStore(TABLES.map(({ schema }) => schema))
  const custody = await createCustody({ seal: memorySeal(random), random, clock })
  const records =
    beside?.records ?? createRecordStore({ rows, guard: custody, cacheRecords: CACHE_RECORDS })
  const openAccount: AccountId | undefined = options.closed
    ? undefined
    : parseAccountId(OPEN_ACCOUNT)
  const trailFiles = trailFilesOf(sink, { records, clock, log })
  const node = await composeNode({
    rows,
    records,
    sink,
    clock,
    machine: options.machine ?? machineClock,
    random,
    log,
    openAccount,
    attestationRoots: options.attestationRoots,
    usageJournal: options.usageJournal,
    quotas: options.quotas,
    oidcAllowPrivate: options.oidcAllowPrivate,
    search: naiveSearch(() => sink.texts),
    requestFrames: (requestId) =>
      Promise.resolve(sink.texts.filter((text) => text.includes(requestId)).toReversed()),
    trailFiles,
  })
  const transport = await openHttpTransport({
    host: '127.0.0.1',
    port: 0,
    handler: withTrustedProxies(
      withAdminRoutes(node.handler, authorizationRoutes(node.inquire)),
      chooseTrustedProxies(options.trustedProxies),
    ),
    log,
  })
  return {
    endpoint: transport.endpoint,
    handler: node.handler,
    kms: node.kms,
    clock,
    sink,
    log,
    rows,
    records,
    trailFiles,
    recover: () => node.recover(),
    runTimedWork: () => node.runTimedWork(),
    close: () => transport.close(GRACE_MS),
  }
}
