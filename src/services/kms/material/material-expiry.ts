import type { Instant } from '../../../core/ids.ts'
import { type BackingKey, isGone, isHere } from '../../../core/key.ts'
import { BACKING_KEYS, KEYS } from '../../../core/tables.ts'
import type { ServiceEvent } from '../../../pipeline/operation.ts'
import { type ResolvedKey, resolvedKey } from '../keys/key-resolver.ts'
import { type Due, doTimedWork, type TimedWorkParts, workThrough } from '../timed-work.ts'
import { removeMaterial } from './imported-material.ts'

const EXPIRED: Due<BackingKey> = {
  table: BACKING_KEYS,
  index: 'by_expiry',
  dateOf: ({ imported }) => imported?.validTo,
}

/** Source: AWS KMS Developer Guide, Logging AWS KMS API calls, DeleteExpiredKeyMaterial. */
const expiryEvent = ({ key, arn }: ResolvedKey, keyMaterialId: string): ServiceEvent => ({
  name: 'DeleteExpiredKeyMaterial',
  accountId: key.accountId,
  region: key.region,
  resources: [{ accountId: key.accountId, type: 'AWS::KMS::Key', arn }],
  details: { keyId: key.keyId, keyMaterialId },
})

async function deleteExpired(
  parts: TimedWorkParts,
  expired: BackingKey,
  time: Instant,
): Promise<void> {
  await doTimedWork(parts, time, async (scope) => {
    const { tx } = scope
    const stored = await tx.find(BACKING_KEYS, BACKING_KEYS.keyOf(expired))
    const imported = stored?.record.imported
    if (stored === undefined || imported === undefined) return
    // Looked at again inside: it may have been imported with another date, or deleted.
    if (!imported.isPresent || isHere(imported, time)) return
    const ofKey = await tx.find(KEYS, [expired.region, expired.keyId])
    // A key that is gone takes its material with it.
    if (ofKey === undefined || isGone(ofKey.record, time)) return
    const target = resolvedKey(ofKey, time)
    await removeMaterial(tx, target, stored, scope)
    await scope.recordEvent(expiryEvent(target, expired.materialId))
  })
}

/**
 * Deletes all imported material whose time is over: its keys wait for it to be imported again. Idempotent;
 * to be called again and again.
 * @returns how many were found expired
 */
export function deleteExpiredMaterial(parts: TimedWorkParts): Promise<number> {
  const time = parts.clock.now()
  return workThrough(parts, EXPIRED, time, (expired) => deleteExpired(parts, expired, time))
}
