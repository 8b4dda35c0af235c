import { FrameWriter } from '../audit/event.ts'
import type { IndexThread } from '../audit/event-index/index-thread.ts'
import type { StartOptions } from '../cli/program.ts'
import type { RunningServer } from '../cli/serving-program.ts'
import type { Log } from '../core/ports.ts'
import type { UsageJournal } from '../services/kms/keys/key-usage.ts'
import { healthRoutes, withAdminRoutes } from './admin-endpoints.ts'
import { machineClock } from './clocks.ts'
import { warnOfFewDescriptors } from './descriptor-limit.ts'
import { authorizationRoutes } from './explanations/authorization-endpoints.ts'
import { type HttpTransport, openHttpTransport } from './http/http-transport.ts'
import { openUnixSocketTransport, type UnixSocketTransport } from './http/http-unix-socket.ts'
import { chooseTrustedProxies, withTrustedProxies } from './http/trusted-proxies.ts'
import { assertRegion, describeFirst, type OnFolderMade, partsOf } from './init-folder.ts'
import { chooseMetricsReaders, metricsRoutes } from './monitoring/metrics-endpoint.ts'
import { NodeMetrics } from './monitoring/node-metrics.ts'
import { openWatches } from './monitoring/watches.ts'
import { chooseAttestationRoots } from './node/attestation-choice.ts'
import { AuditRetention } from './node/audit-retention.ts'
import { openNodeTrail, repeatDelivery, type TrailFiles } from './node/compose-trail.ts'
import { trimFeed } from './node/feed-trim.ts'
import { lookingFirst, whileFresh } from './node/fresh-handler.ts'
import { watchFreshness } from './node/freshness-watch.ts'
import { adoptRecords, appendLate } from './node/late-records.ts'
import { composeNode, type Node, type NodeParts } from './node/node.ts'
import { type NodeAudit, openNodeAudit } from './node/node-audit.ts'
import { createIndexing, openIndexThread } from './node/node-index.ts'
import { chooseOutbound, type NodeOutbound, openOutbound } from './node/node-outbound.ts'
import type { NodeState, StateParts } from './node/node-state.ts'
import { chooseQuotas } from './node/quotas-choice.ts'
import { openUsageJournal } from './node/usage-journal.ts'
import { nodeLookup } from './operator/event-lookup.ts'
import { LocalOperator } from './operator/local-operator.ts'
import { createOperatorLog } from './operator/operator-log.ts'
import { operatorHandler } from './operator/operator-socket.ts'
import { openSharedLogs, type SharedLogs } from './peers/shared-logs.ts'
import { Readiness } from './readiness.ts'
import { type Repetition, repeat, roundFailed } from './repeat.ts'
import { openUnsealed } from './sealed/open-unsealed.ts'
import { NodeTls, readChosenTls } from './tls/node-tls.ts'
import { ensureAuthority } from './tls/tls-credentials.ts'
import { programVersion } from './version.ts'
import { workerLink } from './workers/worker-link.ts'

/** How long requests in flight may take when the node is stopped. */
const GRACE_MS = 10_000
/** How often the node looks for what is due, and notes the head of its log in the store. */
const ROUND_MS = 1000

/** Everything of a running node that has to be closed again, in the order in which it was opened. */
interface OpenParts {
  metrics: NodeMetrics
  state: NodeState
  audit: NodeAudit
  index: IndexThread
  logs: SharedLogs
  node: Node
  outbound: NodeOutbound
  transport: HttpTransport
  socket: UnixSocketTransport
  freshness: Repetition
  rounds: Repetition
  deliveries: Repetition
  renewals: readonly Repetition[]
}

/** Closes what is open, last opened first; a failure does not keep the others open. */
async function closeAll(open: Partial<OpenParts>, log: Log): Promise<void> {
  const steps: (() => Promise<unknown> | undefined)[] = [
    () => open.renewals && Promise.all(open.renewals.map((renewal) => renewal.stop())),
    () => open.transport?.close(GRACE_MS),
    () => open.socket?.close(GRACE_MS),
    () => open.freshness?.stop(),
    () => open.rounds?.stop(),
    () => open.deliveries?.stop(),
    () => open.metrics?.close(),
    () => open.node?.close(),
    () => open.outbound?.close(),
    () => open.logs?.close(),
    () => open.index?.close(),
    () => open.audit?.saveHead(),
    () => open.audit?.log.close(),
    () => open.state?.close(),
  ]
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      log.error({}, 'a part of the node did not close cleanly', error)
    }
  }
}

/** The log as the record of uses of keys. */
function journalOf({ state, audit }: Pick<OpenParts, 'state' | 'audit'>, log: Log): UsageJournal {
  const { rows, custody, folder } = state
  const { nodeId, log: auditLog } = audit
  return openUsageJournal({
    rows,
    custody,
    nodeId,
    audit: auditLog,
    auditFolder: folder.auditFolder,
    log,
  })
}

/** The node itself, on its open state and log. */
async function openNode(
  {
    state,
    audit,
    logs,
    quotas,
    attestationRoots,
    oidcAllowPrivate,
    trailFiles,
  }: Pick<OpenParts, 'state' | 'audit' | 'logs'> &
    Pick<NodeParts, 'quotas' | 'attestationRoots' | 'oidcAllowPrivate' | 'trailFiles'>,
  { clock, random, log, metrics }: StateParts,
): Promise<Node> {
  const { rows, records, store } = state
  const node = await composeNode({
    rows,
    records,
    sink: audit.log,
    clock,
    machine: machineClock,
    random,
    log,
    openAccount: undefined,
    usageJournal: journalOf({ state, audit }, log),
    quotas,
    attestationRoots,
    oidcAllowPrivate,
    trailFiles,
    search: logs.search,
    requestFrames: logs.requestFrames,
    metrics,
  })
  const { freshness } = store
  const inquire = whileFresh(node.inquire, node.refuse, freshness)
  return {
    ...node,
    handler: whileFresh(node.handler, node.refuse, freshness),
    inquire: async (request) => inquire(request),
  }
}

/** What removes old records; undefined where they are kept for ever. */
function openRetention(
  {
    state,
    audit,
    node,
    index,
    outbound,
  }: Pick<OpenParts, 'state' | 'audit' | 'node' | 'index' | 'outbound'>,
  { auditRetentionDays: days }: StartOptions,
  { clock, log }: StateParts,
): AuditRetention | undefined {
  if (days === undefined) return undefined
  const journal = journalOf({ state, audit }, log)
  const { trailFiles, trail, frames } = node
  return new AuditRetention({
    state,
    nodeId: audit.nodeId,
    trailFiles,
    trail,
    frames,
    clock,
    log,
    days,
    readers: [() => journal.readMark(), () => index.sequence, () => outbound.events.mark()],
    shippedUntil: () => outbound.shipping.shippedUntil(clock.now()),
    onRemoved: (sequence) => index.forgetBelow(sequence + 1),
  })
}

/** What operators ask of the running node. */
function operatorOf(
  {
    state,
    audit,
    index,
    logs,
    node,
    outbound,
  }: Pick<OpenParts, 'state' | 'audit' | 'index' | 'logs' | 'node' | 'outbound'>,
  { clock, random, log }: StateParts,
  describe: () => { readonly region: string; readonly endpoint?: string; readonly caFile?: string },
): LocalOperator {
  return new LocalOperator({
    state,
    events: outbound.events,
    lookup: nodeLookup({ index, search: node.search, head: () => audit.log.head().sequence }),
    requestFrames: logs.requestFrames,
    openTrail: async () => node.trail,
    openSearch: async () => node.search,
    frames: new FrameWriter(),
    clock,
    random,
    log,
    describe: async () => ({
      version: programVersion(),
      running: true,
      ...describe(),
      audit: audit.describe(),
      ...outbound.describe(),
    }),
  })
}

/** What a node does every second. */
function repeatRounds(
  { state, audit, node, index }: Pick<OpenParts, 'state' | 'audit' | 'node' | 'index'>,
  log: Log,
): Repetition {
  const indexNew = createIndexing(index)
  return repeat(
    async () => {
      await node.runTimedWork()
      await audit.saveHead()
      await trimFeed(state.rows)
      await adoptRecords(state, audit.log, log)
      indexNew()
    },
    ROUND_MS,
    roundFailed(log),
  )
}

/** Lets the metrics look at what is beside the services. */
function watch(
  metrics: NodeMetrics,
  { state, audit, index, outbound }: Pick<OpenParts, 'state' | 'audit' | 'index' | 'outbound'>,
  { delivery }: TrailFiles,
): void {
  const { events } = outbound
  metrics.watchAudit({ log: audit.log, index, delivery, events, records: state.records })
  metrics.watchOutbound(outbound)
  metrics.watchDisk(state.folder.path)
}

async function openAll(
  options: StartOptions,
  parts: StateParts & { readonly metrics: NodeMetrics; readonly readiness: Readiness },
  open: Partial<OpenParts>,
  onFolderMade: OnFolderMade,
) {
  const { log, metrics, readiness } = parts
  // Before anything is made.
  const chosenTls = await readChosenTls(options, parts)
  const isTrusted = chooseTrustedProxies(options.trustedProxies)
  const mayReadMetrics = chooseMetricsReaders(options.metricsFrom)
  const quotas = chooseQuotas(options.quotas)
  const attestationRoots = chooseAttestationRoots(options.attestationRootFile)
  const chosen = chooseOutbound(options)
  const { state, port } = await openUnsealed(options, parts, chosenTls)
  open.state = state
  const first = describeFirst(state)
  if (first !== undefined) onFolderMade(first)
  await ensureAuthority(state, parts)
  const audit = (open.audit = await openNodeAudit(state, options, parts))
  const { oidcAllowPrivate } = options
  const index = (open.index = openIndexThread(state.folder, audit, log))
  const logs = (open.logs = await openSharedLogs(index, { state, audit }, parts))
  const trailFiles = openNodeTrail(state, audit, { ...parts, homeRegion: options.region })
  const node = (open.node = await openNode(
    { state, audit, logs, quotas, attestationRoots, oidcAllowPrivate, trailFiles },
    parts,
  ))
  // Before what a crash has cut off is appended: a sink that is new does not miss that.
  const outbound = await openOutbound({ state, audit, trailFiles }, parts, chosen)
  open.outbound = outbound
  await audit.recoverOutbox()
  state.onLateCommit((entries) => appendLate(entries, { sink: audit.log, rows: state.rows, log }))
  await node.recover()
  // Correctness does not wait for it: a damaged row that is due keeps nobody from the others.
  await node.runTimedWork().catch(roundFailed(log))
  if (state.store.freshness) open.freshness = watchFreshness(state.store.freshness, log)
  open.rounds = repeatRounds({ state, audit, node, index }, log)
  open.deliveries = repeatDelivery(
    () => trailFiles,
    openRetention({ state, audit, node, index, outbound }, options, parts),
  )
  outbound.start()
  watch(metrics, { state, audit, index, outbound }, trailFiles)
  const operator = operatorOf({ state, audit, index, logs, node, outbound }, parts, () => ({
    region: options.region,
    ...(open.transport && { endpoint: open.transport.endpoint }),
    ...(chosenTls.tls.kind === 'own' && { caFile: state.folder.caFile }),
  }))
  open.socket = await openUnixSocketTransport({
    path: state.folder.operatorSocket,
    handler: lookingFirst(operatorHandler(operator, log), state.store.freshness),
    log,
  })
  const routes = new Map([
    ...healthRoutes(() => readiness.isReady({ audit, state })),
    ...authorizationRoutes(node.inquire),
    ...metricsRoutes(() => metrics, mayReadMetrics, workerLink()),
  ])
  const tls = await NodeTls.open(chosenTls, options, state, parts)
  const { credentials } = tls
  open.transport = await openHttpTransport({
    host: options.host,
    port,
    isShared: options.worker !== undefined,
    handler: withTrustedProxies(withAdminRoutes(node.handler, routes, tls.admit), isTrusted),
    log,
    ...(credentials && { tls: credentials }),
  })
  open.renewals = tls.follow(open.transport)
  return { state, transport: open.transport }
}

/** Starts a node on its data folder, which it makes if there is none. @throws OperatorError */
export async function startServer(
  options: StartOptions,
  onFolderMade: OnFolderMade = () => undefined,
): Promise<RunningServer> {
  assertRegion(options.region)
  const log = createOperatorLog(options.logLevel, undefined, options.worker)
  const metrics = new NodeMetrics(openWatches(options, log))
  const open: Partial<OpenParts> = { metrics }
  const { promise: stopped, resolve } = Promise.withResolvers<Error | undefined>()
  try {
    const readiness = new Readiness()
    const parts = { ...partsOf(log), metrics, readiness }
    const { state, transport } = await openAll(options, parts, open, onFolderMade)
    warnOfFewDescriptors(log)
    log.info({ endpoint: transport.endpoint, data: state.folder.path }, 'serving')
    let stopping: Promise<void> | undefined
    const end = async (reason?: Error): Promise<void> => {
      // One that can serve no more has nothing to wait for.
      const drainSeconds = reason === undefined ? (options.drainSeconds ?? 0) : 0
      await readiness.leave(transport, drainSeconds, log)
      await closeAll(open, log)
      resolve(reason)
    }
    const stop = (reason?: Error): Promise<void> => (stopping ??= end(reason))
    void state.ended.then(stop)
    return { endpoint: transport.endpoint, stopped, stop: () => stop() }
  } catch (error) {
    await closeAll(open, log)
    throw error
  }
}
