import type { FrameWriter } from '../../audit/event.ts'
import { findFrame } from '../../audit/segments/find-frame.ts'
import {
  publicKeyPem,
  type TrailPublicKey,
  TrailSigningKeys,
} from '../../audit/trail/trail-signing-keys.ts'
import type {
  AuditSearch,
  EventCount,
  EventCountsQuery,
  EventIndexStatus,
  EventPage,
  EventPageQuery,
} from '../../core/audit-search.ts'
import { OperatorError } from '../../core/errors.ts'
import type { EventSinkStatus } from '../../core/event-delivery.ts'
import type { Explanation, Simulation, WhoCan } from '../../core/explanations.ts'
import type { KeyImpact } from '../../core/key-impact.ts'
import type {
  AuditPublicKey,
  BackupSummary,
  DeletionGuardSetting,
  IssuedCredential,
  NodeStatus,
  NodeSummary,
  Operator,
  OperatorCertificate,
  ProviderKeySummary,
  ServiceControlPolicy,
} from '../../core/operator.ts'
import type { Clock, Log, Random } from '../../core/ports.ts'
import type { AuditTrail } from '../../pipeline/audit-trail.ts'
import { AccessExplorer } from '../../services/kms/access/access-explorer.ts'
import { findNamedKey, type KeyName } from '../../services/kms/access/find-key.ts'
import { keyImpact } from '../../services/kms/impact/key-impact.ts'
import { backUpNode } from '../backup/node-backup.ts'
import { machineClock } from '../clocks.ts'
import type { RequestFrames } from '../explanations/authorization-endpoints.ts'
import { explainFrame, getRequestId, isOfRequest } from '../explanations/explanation.ts'
import { parseKeyImpact, parseSimulate, parseWhoCan } from '../explanations/explanation-requests.ts'
import type { NodeEvents } from '../node/node-events.ts'
import type { NodeState } from '../node/node-state.ts'
import { issueOperatorCertificate, replaceOperatorAuthority } from '../tls/operator-authority.ts'
import {
  drawAccountId,
  drawCredential,
  listAccounts,
  rotateCredentials,
  storeAccount,
} from './accounts.ts'
import { accessKeyIdInFile, writeCredentialsFile } from './credentials-file.ts'
import { getDeletionGuard, removeDeletionGuard, setDeletionGuard } from './deletion-guards.ts'
import {
  discardDeadLetters,
  eventStatus,
  listDeadLetters,
  redriveDeadLetters,
} from './event-commands.ts'
import type { NodeLookup } from './event-lookup.ts'
import { assertMayRotateRootKey, rotateDomainKey, rotateRootKey } from './key-rotations.ts'
import { forgetNode, listNodes, tellWhoIsAway } from './node-commands.ts'
import { listOidcKeys, removeOidcKeys, setOidcKeys } from './oidc-keys.ts'
import { getServiceControl, removeServiceControl, setServiceControl } from './service-controls.ts'
import { storeStatus } from './store-status.ts'

export interface LocalOperatorParts {
  readonly state: NodeState
  /** Asked before anything is changed: rejects where it could not be recorded. */
  readonly openTrail: () => Promise<Pick<AuditTrail, 'recordCommitted'>>
  /** Events of the audit log, all that is durable. */
  readonly openSearch: () => Promise<AuditSearch>
  readonly frames: FrameWriter
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Of a node that runs: what sends its events. */
  readonly events?: Pick<NodeEvents, 'stats' | 'reload'>
  /** Of a node that runs: what knows its events. */
  readonly lookup?: NodeLookup
  /** Of a node that runs: finds the frames that may be of a request, newest first. */
  readonly requestFrames?: RequestFrames
  /** The parts of the status that the process around the state knows. */
  readonly describe: () => Promise<ProcessStatus>
}

type ProcessStatus = Pick<
  NodeStatus,
  'version' | 'running' | 'audit' | 'shipping' | 'anchors' | 'endpoint' | 'region' | 'caFile'
>

const shownKey = (key: TrailPublicKey): AuditPublicKey => ({
  fingerprint: key.fingerprint,
  validFrom: new Date(key.validFrom).toISOString(),
  validTo: new Date(key.validTo).toISOString(),
  pem: publicKeyPem(key),
})

/** Does the operator's commands in this process; each leaves a frame in the audit log before it answers. */
export class LocalOperator implements Operator {
  readonly #parts: LocalOperatorParts
  readonly #explorer: AccessExplorer

  constructor(parts: LocalOperatorParts) {
    this.#parts = parts
    this.#explorer = new AccessExplorer(parts.state.records, parts.clock)
  }

  async status(): Promise<NodeStatus> {
    const { state, describe } = this.#parts
    const accounts = await listAccounts(this.#accountParts())
    return {
      ...(await describe()),
      ...(await storeStatus(state)),
      accounts: accounts.length,
    }
  }

  async createAccount(request: { accountId?: string; name?: string }): Promise<IssuedCredential> {
    const { random, openTrail } = this.#parts
    const trail = await openTrail()
    // The account is named by the operator; `storeAccount` refuses what is no account id.
    const issued = drawCredential(random, drawAccountId(random))
    const named =
      request.accountId === undefined ? issued : { ...issued, accountId: request.accountId }
    await storeAccount(this.#accountParts(), named, request.name ?? '')
    await this.#record(trail, 'account create', {
      accountId: named.accountId,
      accessKeyId: named.accessKeyId,
    })
    return named
  }

  listAccounts() {
    return listAccounts(this.#accountParts())
  }

  async rotateCredentials({ accountId }: { accountId: string }): Promise<IssuedCredential> {
    const { credentialsFile } = this.#parts.state.folder
    const trail = await this.#parts.openTrail()
    const { replaced, ...issued } = await rotateCredentials(this.#accountParts(), accountId)
    await this.#record(trail, 'credentials rotate', { accountId, accessKeyId: issued.accessKeyId })
    const inFile = accessKeyIdInFile(credentialsFile)
    // The file that the first start wrote goes on working if it still named this account.
    if (inFile !== undefined && replaced.includes(inFile))
      writeCredentialsFile(credentialsFile, issued)
    return issued
  }

  async rotateDomainKey() {
    const { state, log, openTrail } = this.#parts
    const trail = await openTrail()
    const rewrapped = await rotateDomainKey(state, log)
    const domainKeyId = state.custody.currentDomainKeyId
    await this.#record(trail, 'rotate-domain-key', { domainKeyId, rewrapped })
    return { domainKeyId, rewrapped }
  }

  async rotateRootKey() {
    const { state, openTrail } = this.#parts
    const { custody } = state
    await assertMayRotateRootKey(state)
    if (custody.seal.kind === 'shares' && (await this.#parts.describe()).running) {
      throw new OperatorError(
        'new shares of the root key are shown to whoever runs the command, before the store is changed',
        'stop the node, run the command, give out the new shares, and start it again',
      )
    }
    const trail = await openTrail()
    await rotateRootKey(state)
    await this.#record(trail, 'rotate-root-key', { rootKeyId: custody.rootKeyId })
    return { rootKeyId: custody.rootKeyId }
  }

  async setServiceControl(request: {
    accountId: string
    policy: string
  }): Promise<ServiceControlPolicy> {
    const trail = await this.#parts.openTrail()
    const set = await setServiceControl(this.#accountParts(), request)
    const { accountId, policy } = set
    await this.#record(trail, 'account set-scp', { accountId, policy })
    return set
  }

  getServiceControl({ accountId }: { accountId: string }): Promise<ServiceControlPolicy> {
    return getServiceControl(this.#accountParts(), accountId)
  }

  async removeServiceControl(request: { accountId: string }) {
    const trail = await this.#parts.openTrail()
    const accountId = await removeServiceControl(this.#accountParts(), request.accountId)
    await this.#record(trail, 'account remove-scp', { accountId })
    return { accountId }
  }

  async setDeletionGuard(request: {
    accountId: string
    days: number
  }): Promise<DeletionGuardSetting> {
    const trail = await this.#parts.openTrail()
    const set = await setDeletionGuard(this.#accountParts(), request)
    const { accountId, days } = set
    await this.#record(trail, 'account set-deletion-guard', { accountId, days })
    return set
  }

  getDeletionGuard({ accountId }: { accountId: string }): Promise<DeletionGuardSetting> {
    return getDeletionGuard(this.#accountParts(), accountId)
  }

  async removeDeletionGuard(request: { accountId: string }) {
    const trail = await this.#parts.openTrail()
    const accountId = await removeDeletionGuard(this.#accountParts(), request.accountId)
    await this.#record(trail, 'account remove-deletion-guard', { accountId })
    return { accountId }
  }

  async setOidcKeys(request: { providerUrl: string; keySet: string }): Promise<ProviderKeySummary> {
    const trail = await this.#parts.openTrail()
    const set = await setOidcKeys(this.#accountParts(), request)
    const { providerUrl, keys } = set
    await this.#record(trail, 'oidc set-keys', { providerUrl, keys: keys.join(' ') })
    return set
  }

  listOidcKeys(): Promise<readonly ProviderKeySummary[]> {
    return listOidcKeys(this.#parts.state.records)
  }

  async removeOidcKeys(request: { providerUrl: string }) {
    const trail = await this.#parts.openTrail()
    const providerUrl = await removeOidcKeys(this.#accountParts(), request.providerUrl)
    await this.#record(trail, 'oidc remove-keys', { providerUrl })
    return { providerUrl }
  }

  listNodes(): Promise<readonly NodeSummary[]> {
    return listNodes(this.#parts.state)
  }

  async forgetNode(request: { nodeId: string }) {
    const trail = await this.#parts.openTrail()
    const nodeId = await forgetNode(this.#parts.state, request.nodeId)
    await this.#record(trail, 'node forget', { nodeId })
    return { nodeId }
  }

  async issueOperatorCertificate(
    request: Parameters<Operator['issueOperatorCertificate']>[0],
  ): Promise<OperatorCertificate> {
    const trail = await this.#parts.openTrail()
    const issued = await issueOperatorCertificate(this.#accountParts(), request)
    const { name, serialNumber, validUntil } = issued
    await this.#record(trail, 'tls issue-operator', { name, serialNumber, validUntil })
    return issued
  }

  async replaceOperatorAuthority() {
    const trail = await this.#parts.openTrail()
    const made = await replaceOperatorAuthority(this.#accountParts())
    await this.#record(trail, 'tls replace-operator-ca', made)
    return made
  }

  async backup({ path }: { path: string }): Promise<BackupSummary> {
    const trail = await this.#parts.openTrail()
    const { sizeBytes, createdAt, rows, canaries } = await backUpNode(
      this.#parts.state,
      path,
      this.#parts,
    )
    await this.#record(trail, 'backup', { path, rows, sizeBytes })
    return { path, sizeBytes, createdAt, rows, canaries }
  }

  async auditPublicKeys(): Promise<readonly AuditPublicKey[]> {
    return (await this.#signingKeys().all()).map(shownKey)
  }

  async rotateAuditSigningKey(): Promise<AuditPublicKey> {
    const trail = await this.#parts.openTrail()
    const key = await this.#signingKeys().rotate()
    const { fingerprint } = key
    await this.#record(trail, 'audit rotate-signing-key', { fingerprint })
    return shownKey(key)
  }

  async keyImpact(request: unknown): Promise<KeyImpact> {
    const { state, clock, openSearch } = this.#parts
    const search = await openSearch()
    return keyImpact({ records: state.records, search, clock }, parseKeyImpact(request)).catch(
      tellWhoIsAway,
    )
  }

  async explain(request: { requestId: string }): Promise<Explanation> {
    const requestId = getRequestId(request.requestId)
    const { state, requestFrames } = this.#parts
    const isWanted = isOfRequest(requestId)
    const text =
      requestFrames === undefined
        ? await findFrame(state.folder.auditFolder, isWanted)
        : (await requestFrames(requestId).catch(tellWhoIsAway)).find(isWanted)
    const found = text === undefined ? undefined : explainFrame(text, requestId)
    if (found === undefined) {
      throw new OperatorError(
        'the audit log knows no request of this id',
        'requests that are refused in great number are only counted',
      )
    }
    return found.explanation
  }

  async searchEvents(query: EventPageQuery): Promise<EventPage> {
    return this.#lookup().searchEvents(query)
  }

  async countEvents(query: EventCountsQuery): Promise<readonly EventCount[]> {
    return this.#lookup().countEvents(query)
  }

  async findKeyArn(name: KeyName): Promise<{ readonly arn: string }> {
    const { state, clock } = this.#parts
    return { arn: (await findNamedKey(state.records, name, clock.now())).arn }
  }

  async eventIndexStatus(): Promise<EventIndexStatus> {
    return this.#lookup().eventIndexStatus()
  }

  async reindexEvents(): Promise<EventIndexStatus> {
    return this.#lookup().reindexEvents()
  }

  /** @throws OperatorError where no node runs: its log is then looked at without the store */
  #lookup(): NodeLookup {
    const { lookup } = this.#parts
    if (lookup === undefined) throw new OperatorError('no node runs on the data folder')
    return lookup
  }

  async whoCan(request: unknown): Promise<WhoCan> {
    return this.#explorer.whoCan(parseWhoCan(request))
  }

  async simulate(request: unknown): Promise<Simulation> {
    return this.#explorer.simulate(parseSimulate(request))
  }

  eventStatus(): Promise<readonly EventSinkStatus[]> {
    return eventStatus(this.#eventParts())
  }

  listDeadLetters(request: Parameters<Operator['listDeadLetters']>[0]) {
    return listDeadLetters(this.#eventParts(), request)
  }

  async redriveDeadLetters(request: { eventId?: string }) {
    const trail = await this.#parts.openTrail()
    const done = await redriveDeadLetters(this.#eventParts(), request)
    await this.#record(trail, 'events redrive', { ...done, ...request })
    return done
  }

  async discardDeadLetters(request: { eventId?: string }) {
    const trail = await this.#parts.openTrail()
    const done = await discardDeadLetters(this.#eventParts(), request)
    await this.#record(trail, 'events discard', { ...done, ...request })
    return done
  }

  #eventParts() {
    const { state, events } = this.#parts
    // Receivers follow the machine's clock, not a moved one.
    return { records: state.records, clock: machineClock, events }
  }

  #signingKeys(): TrailSigningKeys {
    const { state, clock } = this.#parts
    return new TrailSigningKeys({ records: state.records, clock })
  }

  #accountParts() {
    const { state, clock, random } = this.#parts
    return { records: state.records, clock, random }
  }

  async #record(
    trail: Pick<AuditTrail, 'recordCommitted'>,
    action: string,
    details: Readonly<Record<string, string | number>>,
  ): Promise<void> {
    const { frames, clock, state } = this.#parts
    const frame = frames.operator(clock.now(), action, details)
    // What was done stands: where the log cannot be written, its frame waits in the store as those of calls do.
    const outboxId = await state.rows.transaction((tx) => tx.addOutbox(frame))
    await trail.recordCommitted(outboxId, frame)
  }
}
