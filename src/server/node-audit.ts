import { mkdirSync } from 'node:fs'
import type { AuditHead, AuditLog } from '../audit/audit-log.ts'
import { openAuditLog } from '../audit/open-audit-log.ts'
import { findOutboxIds } from '../audit/outbox-search.ts'
import type { StartOptions } from '../cli/program.ts'
import { OperatorError } from '../core/errors.ts'
import type { NodeStatus } from '../core/operator.ts'
import { loadAuditHead, saveAuditHead } from './audit-head.ts'
import { recoverOutbox } from './node.ts'
import { nodeIdOf } from './node-folder.ts'
import type { NodeState, StateParts } from './node-state.ts'

/** The audit log of a node, together with what ties it to the store. */
export interface NodeAudit {
  readonly log: AuditLog
  /** Appends what the store's outbox holds and the log does not. */
  recoverOutbox(): Promise<void>
  /** Notes the head of the log in the store, if it has moved. */
  saveHead(): Promise<void>
  /** Whether the log cannot be written at this moment: then nothing can be answered. */
  isFailing(): boolean
  describe(): NodeStatus['audit']
}

/** What the log must reach, by the store. @throws OperatorError when somebody rewrote it */
async function expectedHead(
  { rows, custody }: NodeState,
  nodeId: string,
  acceptDamage: boolean,
): Promise<AuditHead | undefined> {
  const head = await loadAuditHead(rows, custody, nodeId)
  if (head !== 'forged') return head
  if (acceptDamage) return undefined
  throw new OperatorError(
    'what the store says about the end of the audit log was altered',
    'strongroom audit verify shows what the log itself holds; --accept-audit-damage starts all the same, and records it',
  )
}

/** Opens the audit log of a node whose state is open. @throws OperatorError when the log is damaged */
export async function openNodeAudit(
  state: NodeState,
  options: Pick<StartOptions, 'auditDurability' | 'acceptAuditDamage'>,
  { clock, random, log }: StateParts,
): Promise<NodeAudit> {
  const { folder, rows, custody } = state
  const nodeId = nodeIdOf(folder, random)
  const head = await expectedHead(state, nodeId, options.acceptAuditDamage)
  mkdirSync(folder.auditFolder, { recursive: true, mode: 0o700 })
  const { id: macKeyId, key: macKey } = custody.auditMacKey()
  const opened = await openAuditLog({
    folder: folder.auditFolder,
    nodeId,
    macKey,
    macKeyId,
    earlierMacKey: (keyId) => custody.findAuditMacKey(keyId),
    clock,
    log,
    durability: options.auditDurability,
    acceptDamage: options.acceptAuditDamage,
    ...(head && { expectedHead: head }),
  })
  const audit = opened.log
  let savedSequence = head?.sequence ?? -1
  return {
    log: audit,
    async recoverOutbox() {
      const count = await recoverOutbox(rows, audit, (ids) =>
        findOutboxIds(folder.auditFolder, ids, { acceptDamage: options.acceptAuditDamage }),
      )
      if (count > 0)
        log.warn(
          { records: count },
          'appended the audit records of changes that a crash had cut off',
        )
    },
    async saveHead() {
      const { sequence, chain } = audit.head()
      if (sequence === savedSequence) return
      await saveAuditHead(rows, custody, nodeId, { sequence, chain })
      savedSequence = sequence
    },
    isFailing: () => audit.stats().failing,
    describe: () => ({
      folder: folder.auditFolder,
      segments: audit.head().segment,
      lastSequence: audit.head().sequence,
      durable: options.auditDurability === 'sync',
    }),
  }
}
