import { keyArn } from '../../core/arn.ts'
import { isGone, keyAt } from '../../core/key.ts'
import type { Records } from '../../core/records.ts'
import { KEYS } from '../../core/tables.ts'
import type { Call } from '../../pipeline/call.ts'
import type { ResolvedKey } from './key-resolver.ts'

/**
 * A key together with its related keys in other Regions; itself alone for a single-Region key. The
 * primary comes first. All of them are in one store, so that one transaction changes them together.
 */
export async function familyOf(
  records: Records,
  target: ResolvedKey,
  { call }: { readonly call: Pick<Call, 'time'> },
): Promise<readonly ResolvedKey[]> {
  const { multiRegion, keyId, accountId } = target.key
  if (multiRegion === undefined) return [target]
  const family: ResolvedKey[] = []
  for (const region of [multiRegion.primaryRegion, ...multiRegion.replicaRegions]) {
    const stored = await records.find(KEYS, [region, keyId])
    if (stored === undefined || isGone(stored.record, call.time)) continue
    const key = keyAt(stored.record, call.time)
    family.push({ stored, key, arn: keyArn({ accountId, region }, keyId) })
  }
  return family
}
