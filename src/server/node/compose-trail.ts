import { logSource } from '../../audit/trail/log-source.ts'
import { TrailDelivery, type TrailDeliveryParts } from '../../audit/trail/trail-delivery.ts'
import type { TrailObjects } from '../../audit/trail/trail-objects.ts'
import { diskTrailObjects } from '../../audit/trail/trail-objects-disk.ts'
import { TrailSigningKeys } from '../../audit/trail/trail-signing-keys.ts'
import { type Repetition, repeat } from '../repeat.ts'
import type { NodeAudit } from './node-audit.ts'
import type { NodeState, StateParts } from './node-state.ts'

/** How often a node looks whether something is to be delivered. */
const ROUND_MS = 1000

/** What the audit log becomes for those who look at it: log files, digests, and the keys that sign them. */
export interface TrailFiles {
  readonly objects: TrailObjects
  readonly signingKeys: TrailSigningKeys
  readonly delivery: TrailDelivery
}

/** Puts the trail of a node together. Nothing is delivered before somebody asks for it. */
export function composeTrail(parts: Omit<TrailDeliveryParts, 'signingKeys'>): TrailFiles {
  const { objects } = parts
  const signingKeys = new TrailSigningKeys(parts)
  return { objects, signingKeys, delivery: new TrailDelivery({ ...parts, signingKeys }) }
}

/** The trail of a node with a folder. */
export function openNodeTrail(
  { records, folder }: NodeState,
  { nodeId, log: auditLog }: NodeAudit,
  { clock, log, homeRegion }: StateParts & { readonly homeRegion: string },
): TrailFiles {
  const head = () => auditLog.head()
  return composeTrail({
    source: logSource({ nodeId, files: folder.auditFolder, head, log }),
    records,
    objects: diskTrailObjects(folder.trailFolder),
    homeRegion,
    clock,
    log,
  })
}

/** Delivers what is due, again and again: on its own, because it may take its time and nothing else waits for it. */
export const repeatDelivery = (trailFiles: () => TrailFiles): Repetition =>
  repeat(
    () => trailFiles().delivery.round(),
    ROUND_MS,
    // It tells of its failures itself.
    () => undefined,
  )
