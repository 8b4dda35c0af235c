import { keyArn } from '../../../core/arn.ts'
import { DAY_MS, type Instant, plusMs } from '../../../core/ids.ts'
import type { Key, KeyState } from '../../../core/key.ts'
import type { RecordsTransaction, Stored } from '../../../core/records.ts'
import {
  ALIASES,
  BACKING_KEYS,
  GRANTS,
  KEY_POLICIES,
  KEY_USAGE_NOTES,
  KEYS,
  type Table,
} from '../../../core/tables.ts'
import type { ServiceEvent } from '../../../pipeline/operation.ts'

/** How many rows are removed between two looks. */
const ROWS_PER_PAGE = 1000

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

/** The state of a related key once a replica is gone: a primary that waited for the last of them waits its own window now. */
function stateAfter({ state }: Key, replicasLeft: number, time: Instant): KeyState {
  if (state.name !== 'PendingReplicaDeletion' || replicasLeft > 0) return state
  return { name: 'PendingDeletion', deletionDate: plusMs(time, state.windowDays * DAY_MS) }
}

/** Takes a removed key out of its related keys' records. */
async function leaveFamily(tx: RecordsTransaction, gone: Key, time: Instant): Promise<void> {
  if (gone.multiRegion === undefined) return
  const { primaryRegion, replicaRegions } = gone.multiRegion
  for (const region of [primaryRegion, ...replicaRegions]) {
    const stored = region === gone.region ? undefined : await tx.find(KEYS, [region, gone.keyId])
    // Each member's own record counts: the removed key's may be from before the family changed.
    const family = stored?.record.multiRegion
    if (stored === undefined || family === undefined) continue
    const left = family.replicaRegions.filter((other) => other !== gone.region)
    const state = stateAfter(stored.record, left.length, time)
    if (left.length === family.replicaRegions.length && state === stored.record.state) continue
    const multiRegion = { ...family, replicaRegions: left }
    await tx.update(KEYS, stored, { ...stored.record, multiRegion, state })
  }
}

/**
 * Removes a key with everything that hangs on it: material, policy, aliases, grants. Its ciphertexts
 * are lost for ever, unless it has related keys in other Regions.
 */
export async function removeKey(
  tx: RecordsTransaction,
  stored: Stored<Key>,
  time: Instant,
): Promise<void> {
  const { accountId, region, keyId } = stored.record
  await removeAll(tx, ALIASES, 'by_target', [accountId, region, keyId])
  await removeAll(tx, BACKING_KEYS, 'key', [region, keyId])
  await removeAll(tx, GRANTS, 'key', [region, keyId])
  await removeAll(tx, KEY_USAGE_NOTES, 'key', [region, keyId])
  await removeAll(tx, KEY_POLICIES, 'key', [region, keyId])
  await tx.remove(KEYS, stored)
  await leaveFamily(tx, stored.record, time)
}

/** What is recorded of a deletion at the end of its window. */
export const deletionEvent = ({ accountId, region, keyId }: Key): ServiceEvent => ({
  name: 'DeleteKey',
  accountId,
  region,
  resources: [{ accountId, type: 'AWS::KMS::Key', arn: keyArn({ accountId, region }, keyId) }],
})
