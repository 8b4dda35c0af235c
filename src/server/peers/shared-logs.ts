import type { IndexThread } from '../../audit/event-index/index-thread.ts'
import type { AuditSearch } from '../../core/audit-search.ts'
import { createOneTimeCipher } from '../../crypto/one-time-cipher.ts'
import type { NodeMail } from '../../storage/postgres/node-mail.ts'
import type { RequestFrames } from '../explanations/authorization-endpoints.ts'
import type { NodeAudit } from '../node/node-audit.ts'
import type { NodeState, StateParts } from '../node/node-state.ts'
import { ensureServiceKey } from '../node/service-secrets.ts'
import { workerLink } from '../workers/worker-link.ts'
import { PeerQuestions } from './peer-questions.ts'
import { answerFrom, PeerSearch } from './peer-search.ts'

const KEY_NAME = 'node-messages'
const LABEL = 'strongroom node message v1'
/** Of the form of a message. */
const PREFIX = Uint8Array.of(1)

/** The audit logs of all that serve as one. */
export interface SharedLogs {
  readonly search: AuditSearch
  readonly requestFrames: RequestFrames
  close(): Promise<void>
}

/**
 * What answers from the logs of all nodes of the store, and of all workers; the other way round, it answers for the log
 * of this one.
 */
export async function openSharedLogs(
  index: IndexThread,
  { state, audit }: { readonly state: NodeState; readonly audit: NodeAudit },
  { clock, random, log }: StateParts,
): Promise<SharedLogs> {
  const { mail } = state.store
  if (mail !== undefined) return openNodeLogs(index, { state, audit, mail }, { clock, random, log })
  const link = workerLink()
  if (link !== undefined) {
    link.answerWith(answerFrom(index))
    const { search, requestFrames } = new PeerSearch(index, link.name, link)
    return { search, requestFrames, close: nothingToClose }
  }
  return {
    search: index,
    requestFrames: (requestId) => index.requestFrames(requestId),
    close: nothingToClose,
  }
}

const nothingToClose = (): Promise<void> => Promise.resolve()

async function openNodeLogs(
  index: IndexThread,
  parts: { readonly state: NodeState; readonly audit: NodeAudit; readonly mail: NodeMail },
  { clock, random, log }: StateParts,
): Promise<SharedLogs> {
  const { mail } = parts
  const { records } = parts.state
  const { nodeId } = parts.audit
  const key = await ensureServiceKey({ records, clock, random }, KEY_NAME)
  const peers = new PeerQuestions({
    nodeId,
    mail,
    cipher: createOneTimeCipher(key, { label: LABEL, prefix: PREFIX }),
    random,
    log,
    answer: answerFrom(index),
  })
  const { search, requestFrames } = new PeerSearch(index, nodeId, peers)
  return { search, requestFrames, close: () => peers.close() }
}
