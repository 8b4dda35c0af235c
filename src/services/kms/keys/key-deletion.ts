import type { FrameWriter } from '../../../audit/event.ts'
import { ConflictError } from '../../../core/errors.ts'
import type { Instant } from '../../../core/ids.ts'
import { isGone, type Key } from '../../../core/key.ts'
import type { Clock, Log, Random } from '../../../core/ports.ts'
import type { RecordStore, Stored } from '../../../core/records.ts'
import { KEYS } from '../../../core/tables.ts'
import type { AuditTrail } from '../../../pipeline/audit-trail.ts'
import { deletionEvent, removeKey } from './key-removal.ts'

/** How many keys one round looks at. */
const KEYS_PER_ROUND = 100

export interface DeletionParts {
  readonly records: RecordStore
  readonly trail: AuditTrail
  readonly frames: FrameWriter
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** The record of a deletion at the end of its window. */
function deletionFrame(parts: DeletionParts, key: Key, time: Instant): string {
  const { name, accountId, region, resources } = deletionEvent(key)
  return parts.frames.serviceEvent({
    eventId: parts.random.uuid(),
    time,
    accountId,
    region,
    eventSource: 'kms.amazonaws.com',
    eventName: name,
    resources,
    serviceEventDetailsJson: undefined,
  })
}

async function deleteDueKey(parts: DeletionParts, due: Stored<Key>, time: Instant): Promise<void> {
  const { region, keyId } = due.record
  const committed = await parts.records.transaction(async (tx) => {
    // Looked at again inside: a deletion may have been cancelled, or another node may have been faster.
    const stored = await tx.find(KEYS, [region, keyId])
    if (stored === undefined || !isGone(stored.record, time)) return undefined
    await removeKey(tx, stored, time)
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
