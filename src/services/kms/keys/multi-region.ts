import { keyArn } from '../../../core/arn.ts'
import { ServiceError } from '../../../core/errors.ts'
import type { Region } from '../../../core/ids.ts'
import { isGone, isPrimary, type Key, type MultiRegionFamily } from '../../../core/key.ts'
import type { Records } from '../../../core/records.ts'
import { parseRegion, partitionOf } from '../../../core/regions.ts'
import { KEYS } from '../../../core/tables.ts'
import type { Call } from '../../../pipeline/call.ts'
import type { ServiceEvent } from '../../../pipeline/operation.ts'
import type { KmsWriteScope } from '../kms-operation.ts'
import { notMultiRegionPrimary } from './key-errors.ts'
import { type ResolvedKey, resolvedKey } from './key-resolver.ts'

/**
 * A key together with its related keys in other Regions; itself alone for a single-Region key. The
 * primary comes first. All of them are in one store, so that one transaction changes them together.
 */
export async function familyOf(
  records: Records,
  target: ResolvedKey,
  { call }: { readonly call: Pick<Call, 'time'> },
): Promise<readonly ResolvedKey[]> {
  const { multiRegion, keyId } = target.key
  if (multiRegion === undefined) return [target]
  const family: ResolvedKey[] = []
  for (const region of [multiRegion.primaryRegion, ...multiRegion.replicaRegions]) {
    const stored = await records.find(KEYS, [region, keyId])
    if (stored === undefined || isGone(stored.record, call.time)) continue
    family.push(resolvedKey(stored, call.time))
  }
  return family
}

/** A key whose family has no member any more that is past its deletion date. */
export async function withLiveFamily(
  records: Records,
  target: ResolvedKey,
  scope: { readonly call: Pick<Call, 'time'> },
): Promise<Key> {
  const { key } = target
  if (key.multiRegion === undefined || key.multiRegion.replicaRegions.length === 0) return key
  const live = new Set((await familyOf(records, target, scope)).map((member) => member.key.region))
  const replicaRegions = key.multiRegion.replicaRegions.filter((region) => live.has(region))
  return { ...key, multiRegion: { ...key.multiRegion, replicaRegions } }
}

/** Tells every member of a family who belongs to it. */
export async function changeFamily(
  { tx }: Pick<KmsWriteScope, 'tx'>,
  members: readonly ResolvedKey[],
  multiRegion: MultiRegionFamily,
): Promise<void> {
  for (const { stored } of members) await tx.update(KEYS, stored, { ...stored.record, multiRegion })
}

/** @throws ServiceError UnsupportedOperationException for a replica and for a single-Region key */
export function assertPrimary({ key, arn }: ResolvedKey): void {
  if (isPrimary(key) !== true) throw notMultiRegionPrimary(arn)
}

/**
 * A Region that may hold a related key of one in `home`.
 * @throws ServiceError UnsupportedOperationException for an unknown Region or one of another partition. Our wording.
 */
export function assertRelatedRegion(given: string, home: Region): Region {
  const region = parseRegion(given)
  if (region !== undefined && partitionOf(region) === partitionOf(home)) return region
  throw new ServiceError(
    'UnsupportedOperationException',
    `${given} is not a Region of the partition ${partitionOf(home)}.`,
  )
}

/**
 * What is recorded when shared properties of a primary are copied to related keys.
 * Source: AWS KMS Developer Guide, SynchronizeMultiRegionKey, example log entry.
 */
export function synchronizationEvent({ accountId, region, keyId }: Key): ServiceEvent {
  const arn = keyArn({ accountId, region }, keyId)
  return {
    name: 'SynchronizeMultiRegionKey',
    accountId,
    region,
    resources: [{ accountId, type: 'AWS::KMS::Key', arn }],
    responseElements: { keyId: arn },
  }
}
