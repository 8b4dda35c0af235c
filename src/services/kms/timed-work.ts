import { ConflictError } from '../../core/errors.ts'
import type { Instant } from '../../core/ids.ts'
import type { RecordsTransaction } from '../../core/records.ts'
import type { ServiceEvent } from '../../pipeline/operation.ts'
import type { DeletionParts } from './key-deletion.ts'

/** What timed work needs. */
export type TimedWorkParts = DeletionParts

/** What a piece of timed work may touch, inside its transaction. */
export interface TimedScope {
  readonly tx: RecordsTransaction
  recordEvent(event: ServiceEvent): Promise<void>
  readonly call: { readonly time: Instant }
}

/**
 * Does a piece of timed work in one transaction, with the records of what it does. The work looks again
 * at what it found due: another node may have been faster, and is then left to it.
 */
export async function doTimedWork(
  parts: TimedWorkParts,
  time: Instant,
  work: (scope: TimedScope) => Promise<void>,
): Promise<void> {
  const commit = () =>
    parts.records.transaction(async (tx) => {
      const frames: { readonly outboxId: number; readonly frame: string }[] = []
      const recordEvent = async (event: ServiceEvent): Promise<void> => {
        const frame = frameOf(parts, event, time)
        frames.push({ frame, outboxId: await tx.addOutbox(frame) })
      }
      await work({ tx, recordEvent, call: { time } })
      return frames
    })
  const frames = await commit().catch((error: unknown) => {
    if (!(error instanceof ConflictError)) throw error
    parts.log.info({}, 'another node does this timed work')
    return []
  })
  await parts.trail.recordAllCommitted(frames)
}

const frameOf = (parts: TimedWorkParts, event: ServiceEvent, time: Instant): string =>
  parts.frames.serviceEvent({
    eventId: parts.random.uuid(),
    time,
    accountId: event.accountId,
    region: event.region,
    eventSource: 'kms.amazonaws.com',
    eventName: event.name,
    resources: event.resources,
    serviceEventDetailsJson: event.details && JSON.stringify(event.details),
  })
