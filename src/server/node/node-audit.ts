import { mkdirSync } from 'node:fs'
import type { AuditHead, AuditLog } from '../../audit/segments/audit-log.ts'
import { inspectLog } from '../../audit/segments/log-end.ts'
import { openAuditLog } from '../../audit/segments/open-audit-log.ts'
import { findOutboxIds } from '../../audit/segments/outbox-search.ts'
import type { StartOptions } from '../../cli/program.ts'
import { OperatorError } from '../../core/errors.ts'
import type { NodeStatus } from '../../core/operator.ts'
import type { Log } from '../../core/ports.ts'
import { loadAuditHead, saveAuditHead } from './audit-head.ts'
import { recoverOutbox } from './node.ts'
import { findNodeId, nodeIdOf } from './node-id.ts'
import { logFilesIn } from './node-index.ts'
import type { NodeState, StateParts } from './node-state.ts'

/** The audit log of a node, together with what ties it to the store. */
export interface NodeAudit {
  /** Whose log it is. */
  readonly nodeId: string
  readonly log: AuditLog
  /** Appends what the store's outbox holds and the log does not. */
  recoverOutbox(): Promise<void>
  /** Notes the head of the log in the store, if it has moved. */
  saveHead(): Promise<void>
  /** Whether the log cannot be written at this moment: then nothing can be answered. */
  isFailing(): boolean
  describe(): NodeStatus['audit']
}

const HEAD_FORGED = 'what the store says about the end of the audit log was altered'

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
    HEAD_FORGED,
    'see what the log itself holds with strongroom audit verify; to go on all the same, start once with --accept-audit-damage',
  )
}

/**
 * A store that was put back from a backup, or whose disk has lost what it confirmed, is older than the log: its next
 * outbox ids are in there already, and a start would take the records of new changes for delivered.
 * @param outboxHigh the highest id in the log
 */
async function catchUpWithLog({ rows }: NodeState, outboxHigh: number, log: Log): Promise<void> {
  const known = await rows.snapshot(({ outboxId }) => Promise.resolve(outboxId))
  if (known < outboxHigh) {
    log.error(
      { missing: outboxHigh - known },
      'the store is older than the audit log: changes that are on the record are not in it',
    )
  }
  await rows.raiseOutbox(outboxHigh)
}

/** Opens the audit log of a node whose state is open. @throws OperatorError when the log is damaged */
export async function openNodeAudit(
  state: NodeState,
  options: Pick<StartOptions, 'auditDurability' | 'acceptAuditDamage'>,
  { clock, random, log, metrics }: StateParts,
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
    onBatch: metrics?.observeBatches(),
    ...(head && { expectedHead: head }),
  })
  const audit = opened.log
  await catchUpWithLog(state, opened.outboxHigh, log)
  let savedSequence = head?.sequence ?? -1
  return {
    nodeId,
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

/** The log of a node that does not run, looked at as a start would and left as it is, damaged or not. */
export async function describeStoppedAudit(state: NodeState): Promise<NodeStatus['audit']> {
  const { folder, rows, custody } = state
  const described = { folder: folder.auditFolder, durable: true }
  try {
    const nodeId = findNodeId(folder)
    const head = nodeId === undefined ? undefined : await loadAuditHead(rows, custody, nodeId)
    const end = await inspectLog(logFilesIn(folder.auditFolder), {
      // Without an id there is no segment either that could belong to another node.
      nodeId: nodeId ?? '',
      keyOf: (keyId) => custody.findAuditMacKey(keyId),
      expectedHead: head === 'forged' ? undefined : head,
    })
    await end.last?.file.close()
    const { lastNumber: segments, lastSequenceSeen: lastSequence } = end
    const damage = end.damage?.what ?? (head === 'forged' ? HEAD_FORGED : undefined)
    return { ...described, segments, lastSequence, ...(damage !== undefined && { damage }) }
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    return { ...described, segments: 0, lastSequence: 0, damage: error.message }
  }
}
