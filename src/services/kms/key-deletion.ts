import type { FrameWriter } from '../../audit/event.ts'
import { keyArn } from '../../core/arn.ts'
import { ConflictError } from '../../core/errors.ts'
import type { Instant, KeyId } from '../../core/ids.ts'
import { isGone, type Key } from '../../core/key.ts'
import type { Clock, Log, Random } from '../../core/ports.ts'
import type { RecordStore, RecordsTransaction, Stored } from '../../core/records.ts'
import { ALIASES, BACKING_KEYS, KEY_POLICIES, KEYS, type Table } from '../../core/tables.ts'
import type { AuditTrail } from '../../pipeline/audit-trail.ts'

/** How many keys one round looks at. */
const KEYS_PER_ROUND = 100
/** How many rows are removed between two looks. */
const ROWS_PER_PAGE = 1000

export interface DeletionParts {
  readonly records: RecordStore
  readonly trail: AuditTrail
  readonly frames: FrameWriter
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** Removes every row that an index gives for some first columns. */
async function removeAll<R>(
  tx: RecordsTransaction,
  table: Table<R>,
  index: string,
  equals: readonly string[],
): Promise<void> {
  for (;;) {
    const page = await tx.page(table, { index, equals, limit: ROWS_PER_PAGE })
    for (const stored of page) await tx.remove(table, stored)
    if (page.length < ROWS_PER_PAGE) return
  }
}

/** Removes a key with everything that hangs on it: material, policy, aliases. Its ciphertexts are lost for ever. */
async function deleteKeyNow(tx: RecordsTransaction, region: string, keyId: KeyId): Promise<void> {
  const stored = await tx.find(KEYS, [region, keyId])
  if (stored === undefined) return
  const { accountId } = stored.record
  await removeAll(tx, ALIASES, 'by_target', [accountId, region, keyId])
  await removeAll(tx, BACKING_KEYS, 'key', [region, keyId])
  const policy = await tx.find(KEY_POLICIES, [region, keyId])
  if (policy !== undefined) await tx.remove(KEY_POLICIES, policy)
  await tx.remove(KEYS, stored)
}

/** The record of a deletion at the end of its window. */
function deletionFrame(parts: DeletionParts, key: Key, time: Instant): string {
  return parts.frames.serviceEvent({
    eventId: parts.random.uuid(),
    time,
    accountId: key.accountId,
    region: key.region,
    eventSource: 'kms.amazonaws.com',
    eventName: 'DeleteKey',
    resources: [{ accountId: key.accountId, type: 'AWS::KMS::Key', arn: keyArn(key, key.keyId) }],
    serviceEventDetailsJson: undefined,
  })
}

async function deleteDueKey(parts: DeletionParts, due: Stored<Key>, time: Instant): Promise<void> {
  const { region, keyId } = due.record
  const committed = await parts.records.transaction(async (tx) => {
    // Looked at again inside: a deletion may have been cancelled, or another node may have been faster.
    const stored = await tx.find(KEYS, [region, keyId])
    if (stored === undefined || !isGone(stored.record, time)) return undefined
    await deleteKeyNow(tx, region, keyId)
    const frame = deletionFrame(parts, stored.record, time)
    return { frame, outboxId: await tx.addOutbox(frame) }
  })
  if (committed !== undefined)
    await parts.trail.recordCommitted(committed.outboxId, committed.frame)
}

/**
 * Deletes every key whose window has ended. Idempotent; to be called again and again.
 * @returns how many were found due
 */
export async function deleteDueKeys(parts: DeletionParts): Promise<number> {
  const time = parts.clock.now()
  let found = 0
  for (;;) {
    const due = await parts.records.page(KEYS, {
      index: 'by_deletion_date',
      equals: [],
      upTo: time,
      limit: KEYS_PER_ROUND,
    })
    for (const stored of due) {
      await deleteDueKey(parts, stored, time).catch((error: unknown) => {
        if (!(error instanceof ConflictError)) throw error
        parts.log.info({ keyId: stored.record.keyId }, 'another node deletes this key')
      })
    }
    found += due.length
    if (due.length < KEYS_PER_ROUND) return found
  }
}
