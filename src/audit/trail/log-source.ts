import type { Log } from '../../core/ports.ts'
import type { AuditDamage, AuditHead } from '../segments/audit-log.ts'
import { readFrames } from '../segments/read-frames.ts'
import type { SegmentFiles } from '../segments/segment-files.ts'
import type { TrailSource } from './trail-gathering.ts'

export interface LogSourceParts {
  readonly nodeId: string
  /** The log's folder. */
  readonly files: string | SegmentFiles
  readonly head: () => AuditHead
  readonly log: Log
}

/** A node's audit log as the source of its trail. */
export function logSource({ nodeId, files, head, log }: LogSourceParts): TrailSource {
  const told = new Set<string>()
  // Everything up to the head has been written, so what is damaged is not just on its way. Those who guard the log tell of it
  // in full; here its records are lost, and those behind it must not be.
  const onDamage = ({ file = '', offset, what }: AuditDamage): void => {
    const place = `${file} ${offset}`
    if (told.has(place)) return
    told.add(place)
    log.warn(
      { file, offset, what },
      'records in a damaged place of the audit log are not delivered',
    )
  }
  return { nodeId, head, frames: (from) => readFrames(files, { from, onDamage }) }
}
