import { logSource } from '../../audit/trail/log-source.ts'
import { createBusyMeter } from '../../audit/trail/pace.ts'
import { TrailDelivery, type TrailDeliveryParts } from '../../audit/trail/trail-delivery.ts'
import type { TrailSource } from '../../audit/trail/trail-gathering.ts'
import type { TrailObjects } from '../../audit/trail/trail-objects.ts'
import { diskTrailObjects } from '../../audit/trail/trail-objects-disk.ts'
import { TrailSigningKeys } from '../../audit/trail/trail-signing-keys.ts'
import type { Log } from '../../core/ports.ts'
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
  /** The node's own Region: trails are at home there, and buckets. */
  readonly homeRegion: string
}

/** Puts the trail of a node together. Nothing is delivered before somebody asks for it. */
export function composeTrail(parts: Omit<TrailDeliveryParts, 'signingKeys'>): TrailFiles {
  const { objects, homeRegion } = parts
  const signingKeys = new TrailSigningKeys(parts)
  const delivery = new TrailDelivery({ ...parts, signingKeys })
  return { objects, signingKeys, delivery, homeRegion }
}

/** The audit log of a node with a folder, as what goes out is made from it. */
export function nodeLogSource(
  { folder }: NodeState,
  { nodeId, log: auditLog }: NodeAudit,
  log: Log,
): TrailSource {
  return logSource({ nodeId, files: folder.auditFolder, head: () => auditLog.head(), log })
}

/** The trail of a node with a folder. */
export function openNodeTrail(
  state: NodeState,
  audit: NodeAudit,
  { clock, log, homeRegion }: StateParts & { readonly homeRegion: string },
): TrailFiles {
  return composeTrail({
    source: nodeLogSource(state, audit, log),
    records: state.records,
    objects: diskTrailObjects(state.folder.trailFolder),
    homeRegion,
    clock,
    log,
    isBusy: createBusyMeter(),
  })
}

/** Delivers what is due, again and again: on its own, because it may take its time and nothing else waits for it. */
export const repeatDelivery = (
  trailFiles: () => TrailFiles,
  retention?: { round(): Promise<void> },
): Repetition =>
  repeat(
    async () => {
      await trailFiles().delivery.round()
      await retention?.round()
    },
    ROUND_MS,
    // It tells of its failures itself.
    () => undefined,
  )
