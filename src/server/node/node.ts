import { FrameWriter, withOutboxId } from '../../audit/event.ts'
import type { AuditSearch } from '../../core/audit-search.ts'
import type { AccountId } from '../../core/ids.ts'
import type { Clock, Log, Random } from '../../core/ports.ts'
import type { RecordStore } from '../../core/records.ts'
import type { RowStore } from '../../core/store.ts'
import type { HttpHandler } from '../../core/transport.ts'
import type { AttestationCertificate } from '../../crypto/attestation/attestation-certificate.ts'
import { IdentityUses } from '../../identity/identity-uses.ts'
import { PrincipalPolicySource } from '../../identity/principal-policies.ts'
import { SessionTokens } from '../../identity/session-tokens.ts'
import { Sessions } from '../../identity/sessions.ts'
import { AuditTrail, type FrameSink } from '../../pipeline/audit-trail.ts'
import { Authorizer } from '../../pipeline/authorizer.ts'
import { DecisionRecords } from '../../pipeline/decision-record.ts'
import { PageMarkers } from '../../pipeline/page-markers.ts'
import {
  createInProcessPipeline,
  createPipeline,
  type PipelineParts,
} from '../../pipeline/pipeline.ts'
import { RefusalRecorder } from '../../pipeline/refusal-recorder.ts'
import type { Service } from '../../pipeline/service.ts'
import { credentialScopeOf } from '../../protocol/sigv4-parse.ts'
import { createIam } from '../../services/iam/iam.ts'
import { IAM_MODEL } from '../../services/iam/model.ts'
import { invalidMarker as invalidIamMarker } from '../../services/iam/refusals.ts'
import { createKmsApi, type KmsApi } from '../../services/kms/api.ts'
import { settleCustomKeyStores } from '../../services/kms/custom-key-stores/custom-key-store-connections.ts'
import { deleteDueKeys } from '../../services/kms/keys/key-deletion.ts'
import { KeyUsage, type UsageJournal } from '../../services/kms/keys/key-usage.ts'
import { deleteExpiredMaterial } from '../../services/kms/material/material-expiry.ts'
import {
  rotateDueKeys,
  type TimedRotationParts,
} from '../../services/kms/material/timed-rotation.ts'
import { KMS_MODEL } from '../../services/kms/model.ts'
import { invalidMarker } from '../../services/kms/page-markers.ts'
import type { RequestQuotas } from '../../services/kms/quotas/request-quotas.ts'
import { STS_MODEL } from '../../services/sts/model.ts'
import { Authenticator } from '../authentication/authenticate.ts'
import {
  AuthorizationEndpoints,
  type Inquire,
  type RequestFrames,
} from '../explanations/authorization-endpoints.ts'
import { inTurn } from '../in-turn.ts'
import type { NodeMetrics } from '../monitoring/node-metrics.ts'
import { composeCloudWatch } from './compose-cloudwatch.ts'
import { type ComposedKms, composeKms } from './compose-kms.ts'
import { composeSts } from './compose-sts.ts'
import type { TrailFiles } from './compose-trail.ts'
import { composeTrailServices } from './compose-trail-services.ts'
import { refuseUnavailable } from './fresh-handler.ts'
import { createQueryCodec } from './query-codec.ts'
import { createRouter, type Route } from './router.ts'
import { ensureServiceKey } from './service-secrets.ts'

/** Bytes of the key that unknown access key ids are verified against. */
const DUMMY_KEY_BYTES = 32

export interface NodeParts {
  readonly rows: RowStore
  readonly records: RecordStore
  readonly sink: FrameSink
  /** The service's clock, which `strongroom dev` can move. */
  readonly clock: Clock
  readonly machine: Clock
  readonly random: Random
  readonly log: Log
  /** Where any secret is accepted for ids that were never issued: the account of those that name none. */
  readonly openAccount: AccountId | undefined
  /** Whose attestation documents are trusted; AWS's root where absent. */
  readonly attestationRoots?: readonly AttestationCertificate[] | undefined
  /** The audit log that the last uses of keys are rebuilt from; absent where nothing outlives the process. */
  readonly usageJournal?: UsageJournal | undefined
  /** Absent where calls are not limited. */
  readonly quotas?: RequestQuotas | undefined
  /** As `ProviderDocumentsOptions.allowPrivate`. */
  readonly oidcAllowPrivate?: boolean | undefined
  /** Looks up the events of the audit log behind `sink`. */
  readonly search: AuditSearch
  /** Looks up a request in it. */
  readonly requestFrames: RequestFrames
  /** Absent where nobody can ask for them. */
  readonly metrics?: NodeMetrics | undefined
  /** What the audit log behind `sink` becomes. */
  readonly trailFiles: TrailFiles
}

/** One node: everything behind its sockets. */
export interface Node {
  readonly handler: HttpHandler
  /** Answers a request that cannot be looked at now. */
  readonly refuse: HttpHandler
  /** KMS for the other services of this process. */
  readonly kms: KmsApi
  /** Answers questions about decisions: `/-/authorization/…`. */
  readonly inquire: Inquire
  /** The way into the audit log. */
  readonly trail: AuditTrail
  /** What the audit log becomes: log files and digests. */
  readonly trailFiles: TrailFiles
  /** Looks up the events of its audit log. */
  readonly search: AuditSearch
  readonly frames: FrameWriter
  /** Finds in the log what the store does not know after a crash. Before the first call is served. */
  recover(): Promise<void>
  /** Does what is due by the service's clock; once it resolves, all of it has happened. */
  runTimedWork(): Promise<void>
  /** Notes what is only in memory, and ends threads of its own; the store and the log are closed by whoever opened them. */
  close(): Promise<void>
}

/** Puts a node together: services, authentication, audit trail, pipeline. */
export async function composeNode(parts: NodeParts): Promise<Node> {
  const { rows, records, clock, random, log, requestFrames, trailFiles } = parts
  const trail = new AuditTrail(parts.sink, rows)
  const frames = new FrameWriter()
  const refusals = new RefusalRecorder({ trail, frames, clock })
  const markerKey = await ensureServiceKey(parts, 'page-markers')
  const markers = new PageMarkers(markerKey, invalidMarker)
  const lastUses = new KeyUsage({ records, clock: parts.machine, journal: parts.usageJournal })
  const kms = await composeKms(parts, { markers, lastUses, trail, frames })
  const sessionTokens = new SessionTokens(await ensureServiceKey(parts, 'session-tokens'), random)
  const sessions = new Sessions(sessionTokens, random)
  const sts = await composeSts(parts, sessions)
  const uses = new IdentityUses(parts)
  const iam = iamOf(markerKey, uses)
  const authenticator = authenticatorOf(parts, { sessions, uses })
  const authorizer = new Authorizer(new PrincipalPolicySource(records))
  const routes = routesOf({ kms: kms.service, sts, iam }, [
    ...composeTrailServices(parts, markerKey),
    composeCloudWatch(parts, markerKey),
  ])
  watch(parts, { routes, trail, authorizer, kms })
  const pipeline: PipelineParts = {
    route: createRouter(routes),
    authenticate: authenticator.authenticate,
    claimedAccessKeyId: (request) => credentialScopeOf(request)?.accessKeyId ?? '',
    authorizer,
    decisions: new DecisionRecords(),
    records,
    trail,
    refusals,
    frames,
    recorded: lastUses.record,
    watch: parts.metrics?.watch,
    clock,
    random,
    log,
  }
  const run = createInProcessPipeline(pipeline)
  const askable = { ...pipeline, kms: kms.service, run, requestFrames }
  const { inquire } = new AuthorizationEndpoints(askable)
  const timed = { records, trail, frames, clock, random, log, keystore: kms.keystore }
  return {
    handler: createPipeline(pipeline),
    refuse: refuseUnavailable(pipeline.route, random),
    kms: createKmsApi({ ...kms, run }),
    inquire,
    trail,
    trailFiles,
    search: parts.search,
    frames,
    recover: () => lastUses.rebuild(),
    runTimedWork: () =>
      inTurn([
        () => refusals.flush(),
        ...timedKeyWork(timed),
        () => lastUses.noteIfDue(),
        () => uses.noteIfDue(),
      ]),
    async close() {
      try {
        await Promise.all([refusals.flush(), lastUses.noteAll(), uses.noteAll()])
      } finally {
        await trailFiles.delivery.close()
        await kms.engine.close()
      }
    },
  }
}

const iamOf = (markerKey: ConstructorParameters<typeof PageMarkers>[0], uses: IdentityUses) =>
  createIam({
    codec: createQueryCodec(IAM_MODEL.query),
    markers: new PageMarkers(markerKey, invalidIamMarker),
    uses,
  })

/** KMS first: nearly every request is its. */
const routesOf = (
  { kms, sts, iam }: Readonly<Record<'kms' | 'sts' | 'iam', Service>>,
  others: readonly Route[],
): readonly [Route, ...Route[]] => [
  { service: kms, targetPrefix: KMS_MODEL.targetPrefix },
  { service: sts, targetPrefix: STS_MODEL.targetPrefix, query: STS_MODEL.query },
  { service: iam, targetPrefix: IAM_MODEL.targetPrefix, query: IAM_MODEL.query },
  ...others,
]

function authenticatorOf(
  parts: NodeParts,
  identities: { readonly sessions: Sessions; readonly uses: IdentityUses },
): Authenticator {
  using dummy = parts.random.secret(DUMMY_KEY_BYTES)
  return new Authenticator({ ...parts, ...identities }, dummy.expose())
}

/** What becomes due with keys. */
const timedKeyWork = (parts: TimedRotationParts): readonly (() => Promise<unknown>)[] => [
  () => deleteDueKeys(parts),
  () => deleteExpiredMaterial(parts),
  () => rotateDueKeys(parts),
  () => settleCustomKeyStores(parts),
]

/** Lets the metrics look at the parts of a node. */
function watch(
  { metrics, rows, clock }: NodeParts,
  parts: {
    readonly routes: readonly Route[]
    readonly trail: AuditTrail
    readonly authorizer: Authorizer
    readonly kms: Pick<ComposedKms, 'engine' | 'keyPolicies'>
  },
): void {
  if (metrics === undefined) return
  for (const { service } of parts.routes) metrics.calls.register(service)
  metrics.watchTrail(parts.trail)
  metrics.watchGate(parts.kms.engine.gate)
  metrics.watchKeys(rows, clock)
  metrics.watchCache('decisions', parts.authorizer)
  metrics.watchCache('key_policies', parts.kms.keyPolicies)
}

/** How many outbox entries are looked at together. */
const OUTBOX_PAGE = 1000

/**
 * Appends what the store's outbox holds and the log does not: the records of mutations that had
 * committed when the process died.
 * @param inLog which of these outbox ids are in the log already
 * @returns how many frames were appended
 */
export async function recoverOutbox(
  rows: RowStore,
  sink: FrameSink,
  inLog: (ids: readonly number[]) => Promise<ReadonlySet<number>>,
): Promise<number> {
  let recovered = 0
  let afterId = 0
  for (;;) {
    const entries = await rows.outbox(afterId, OUTBOX_PAGE)
    if (entries.length === 0) return recovered
    const present = await inLog(entries.map(({ id }) => id))
    for (const { id, frame } of entries) {
      afterId = id
      if (present.has(id)) continue
      await new Promise<void>((resolve, reject) => {
        sink.append(withOutboxId(frame, id), (error) =>
          error === undefined ? resolve() : reject(error),
        )
      })
      recovered++
    }
    rows.outboxDelivered(entries.map(({ id }) => id))
  }
}
