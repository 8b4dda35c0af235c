import { memoryIndex } from '../../audit/event-index/audit-index.ts'
import { openMemoryAuditLog } from '../../audit/segments/memory-log.ts'
import { logSource } from '../../audit/trail/log-source.ts'
import { memoryTrailObjects } from '../../audit/trail/trail-objects-memory.ts'
import type { DevOptions } from '../../cli/program.ts'
import type { RunningServer } from '../../cli/serving-program.ts'
import { OperatorError } from '../../core/errors.ts'
import { type AccountId, instant, parseAccountId } from '../../core/ids.ts'
import type { Clock, Log, Random } from '../../core/ports.ts'
import { parseRegion } from '../../core/regions.ts'
import { TABLES } from '../../core/tables.ts'
import type { HttpHandler } from '../../core/transport.ts'
import { createCustody } from '../../crypto/custody.ts'
import { createRandom } from '../../crypto/random.ts'
import { memorySeal } from '../../crypto/seal-memory.ts'
import { openMemoryStore } from '../../storage/memory/memory-store.ts'
import { createRecordStore } from '../../storage/record-store.ts'
import { healthRoutes, withAdminRoutes } from '../admin-endpoints.ts'
import { MovableClock, machineClock } from '../clocks.ts'
import { authorizationRoutes } from '../explanations/authorization-endpoints.ts'
import { openHttpTransport } from '../http/http-transport.ts'
import { chooseTrustedProxies, withTrustedProxies } from '../http/trusted-proxies.ts'
import { chooseMetricsReaders, metricsRoutes } from '../monitoring/metrics-endpoint.ts'
import { NodeMetrics } from '../monitoring/node-metrics.ts'
import { openWatches, type WatchOptions } from '../monitoring/watches.ts'
import { chooseAttestationRoots } from '../node/attestation-choice.ts'
import { composeTrail, repeatDelivery, type TrailFiles } from '../node/compose-trail.ts'
import { chooseEvents } from '../node/events-choice.ts'
import { composeNode, type Node, type NodeParts } from '../node/node.ts'
import { type NodeEvents, openNodeEvents } from '../node/node-events.ts'
import { chooseQuotas } from '../node/quotas-choice.ts'
import { createOperatorLog } from '../operator/operator-log.ts'
import { repeat, roundFailed } from '../repeat.ts'
import { isLoopback } from '../tls/tls-choice.ts'
import { type DevControls, devRoutes } from './dev-endpoints.ts'
import { plantSeed, readSeed, type SeedKey } from './dev-seed.ts'

/** How long requests in flight may take when the server is stopped. */
const GRACE_MS = 5000
const CACHE_RECORDS = 50_000
/** How often is done what has become due while nobody moved the clock. */
const ROUND_MS = 1000
const NODE_ID = 'dev'

/** A running development server, and what a test may do to it. */
export interface DevServer extends RunningServer {
  readonly controls: DevControls
  /** The trail of what has happened since the last reset. */
  trailFiles(): TrailFiles
}

interface DevParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly openAccount: AccountId
  readonly region: string
  /** As `--quotas` says. */
  readonly quotasChoice: string | undefined
  readonly attestationRoots: NodeParts['attestationRoots']
  readonly oidcAllowPrivate: boolean | undefined
  readonly options: Pick<DevOptions, 'events'> & WatchOptions
}

/** A node, and what it measures. */
interface DevNode extends Node {
  readonly metrics: NodeMetrics
  readonly events: NodeEvents
}

/** A node with nothing in it but the seed; nothing of it outlives the process. */
async function emptyNode(parts: DevParts, seed: readonly SeedKey[]): Promise<DevNode> {
  const { clock, random, log } = parts
  const rows = openMemoryStore(TABLES.map(({ schema }) => schema))
  const custody = await createCustody({ seal: memorySeal(random), random, clock })
  const records = createRecordStore({ rows, guard: custody, cacheRecords: CACHE_RECORDS })
  await plantSeed(records, clock, seed)
  const metrics = new NodeMetrics(openWatches(parts.options, log))
  const onBatch = metrics.observeBatches()
  const { log: auditLog, files } = await openMemoryAuditLog({
    nodeId: NODE_ID,
    clock,
    log,
    onBatch,
  })
  const source = logSource({ nodeId: NODE_ID, files, head: () => auditLog.head(), log })
  const trailFiles = composeTrail({
    source,
    records,
    objects: memoryTrailObjects(),
    homeRegion: parts.region,
    clock,
    log,
  })
  const index = memoryIndex({
    files,
    nodeId: NODE_ID,
    head: () => auditLog.head().sequence,
    log,
    steadyMs: () => performance.now(),
  })
  const quotas = chooseQuotas(parts.quotasChoice)
  const node = await composeNode({
    ...parts,
    rows,
    records,
    sink: auditLog,
    machine: machineClock,
    quotas,
    search: index,
    requestFrames: (requestId) => index.requestFrames(requestId),
    trailFiles,
    metrics,
  })
  const outbound = { ...parts, records, source, machine: machineClock }
  const events = await openNodeEvents(outbound, chooseEvents(parts.options.events))
  events.start()
  metrics.watchAudit({ log: auditLog, index, delivery: trailFiles.delivery, events, records })
  const close = async (): Promise<void> => {
    await metrics.close()
    await node.close()
    await events.close()
  }
  return { ...node, close, metrics, events }
}

/** @throws OperatorError where others could use a server that asks nobody who they are */
function assertReach({ host, allowPlainHttp }: DevOptions): void {
  if (isLoopback(host) || allowPlainHttp) return
  throw new OperatorError(
    `strongroom dev is refused on ${host}: it takes any credentials, so everybody on the network could use its keys`,
    'leave --host out; or add --allow-plain-http where only those who may can reach the port',
  )
}

/** The account of credentials that name none. @throws OperatorError for options that cannot be met */
function checkOptions(options: DevOptions): AccountId {
  const account = parseAccountId(options.account)
  if (account === undefined)
    throw new OperatorError(`'${options.account}' is not an account id: it takes twelve digits`)
  if (parseRegion(options.region) === undefined)
    throw new OperatorError(`there is no Region '${options.region}'`)
  assertReach(options)
  return account
}

/** Does all that has become due, closes the files of hours that have ended, and sends the events. */
async function settleNode(node: DevNode, clock: Clock): Promise<void> {
  await node.runTimedWork()
  await node.trailFiles.delivery.closeDueHours(clock.now())
  await node.events.flush()
}

/** Starts the development server: in memory, any credentials, a clock that can be moved. */
export async function startDev(options: DevOptions): Promise<DevServer> {
  const openAccount = checkOptions(options)
  const isTrusted = chooseTrustedProxies(options.trustedProxies)
  const mayReadMetrics = chooseMetricsReaders(options.metricsFrom)
  const parts = {
    clock: new MovableClock(),
    random: createRandom(),
    log: createOperatorLog(options.logLevel),
    openAccount,
    region: options.region,
    quotasChoice: options.quotas,
    attestationRoots: chooseAttestationRoots(options.attestationRootFile),
    oidcAllowPrivate: options.oidcAllowPrivate,
    options,
  }
  const { clock } = parts
  const seed = options.seedFile === undefined ? [] : readSeed(options.seedFile, options)
  let node = await emptyNode(parts, seed)
  const settle = async (): Promise<string> => {
    await settleNode(node, clock)
    return new Date(clock.now()).toISOString()
  }
  const controls: DevControls = {
    advance(milliseconds) {
      clock.advance(milliseconds)
      return settle()
    },
    set(time) {
      clock.set(instant(time))
      return settle()
    },
    async reset() {
      clock.reset()
      await node.close()
      node = await emptyNode(parts, [])
    },
  }
  const api: HttpHandler = (request) => node.handler(request)
  const routes = new Map([
    ...healthRoutes(() => true),
    ...devRoutes(controls),
    ...authorizationRoutes((request) => node.inquire(request)),
    ...metricsRoutes(() => node.metrics, mayReadMetrics),
  ])
  const handler = withTrustedProxies(withAdminRoutes(api, routes), isTrusted)
  const transport = await openHttpTransport({
    host: options.host,
    port: options.port,
    handler,
    log: parts.log,
  })
  const rounds = repeat(() => node.runTimedWork(), ROUND_MS, roundFailed(parts.log))
  const deliveries = repeatDelivery(() => node.trailFiles)
  const { promise: stopped, resolve } = Promise.withResolvers<Error | undefined>()
  return {
    endpoint: transport.endpoint,
    controls,
    trailFiles: () => node.trailFiles,
    stopped,
    async stop() {
      await transport.close(GRACE_MS)
      await rounds.stop()
      await deliveries.stop()
      await node.close()
      resolve(undefined)
    },
  }
}
