import type { Instant } from '../../core/ids.ts'
import { type BackingKey, isGone, isHere } from '../../core/key.ts'
import type { Stored } from '../../core/records.ts'
import { BACKING_KEYS, KEYS } from '../../core/tables.ts'
import type { ServiceEvent } from '../../pipeline/operation.ts'
import { removeMaterial } from './imported-material.ts'
import { type ResolvedKey, resolvedKey } from './key-resolver.ts'
import { doTimedWork, type TimedWorkParts } from './timed-work.ts'

/** How many backing keys one round looks at. */
const MATERIALS_PER_ROUND = 100

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
export async function deleteExpiredMaterial(parts: TimedWorkParts): Promise<number> {
  const time = parts.clock.now()
  let found = 0
  let last: Stored<BackingKey> | undefined
  for (;;) {
    const validTo = last?.record.imported?.validTo
    const after: readonly (string | number)[] | undefined =
      last && validTo !== undefined ? [validTo, ...BACKING_KEYS.keyOf(last.record)] : undefined
    const expired = await parts.records.page(BACKING_KEYS, {
      index: 'by_expiry',
      equals: [],
      upTo: time,
      ...(after && { after }),
      limit: MATERIALS_PER_ROUND,
    })
    for (const { record } of expired) await deleteExpired(parts, record, time)
    found += expired.length
    last = expired.at(-1)
    if (expired.length < MATERIALS_PER_ROUND) return found
  }
}
