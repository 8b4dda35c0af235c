import { withOutboxId } from '../../audit/event.ts'
import type { Log } from '../../core/ports.ts'
import type { OutboxEntry, RowStore } from '../../core/store.ts'
import type { FrameSink } from '../../pipeline/audit-trail.ts'
import type { NodeState } from './node-state.ts'

/** Appends what nodes that are gone have left in a store that is shared. */
export async function adoptRecords(
  { store, rows }: NodeState,
  sink: FrameSink,
  log: Log,
): Promise<void> {
  const entries = (await store.adoptOutboxes?.()) ?? []
  if (entries.length === 0) return
  log.warn({ records: entries.length }, 'took over the audit records of a node that is gone')
  appendLate(entries, { sink, rows, log })
}

/** Appends the frames of changes that turned out to have happened after their callers were told that nobody knows. */
export function appendLate(
  entries: readonly OutboxEntry[],
  { sink, rows, log }: { readonly sink: FrameSink; readonly rows: RowStore; readonly log: Log },
): void {
  for (const { id, frame } of entries) {
    sink.append(withOutboxId(frame, id), (error) => {
      if (error === undefined) rows.outboxDelivered([id])
      else log.error({}, 'the record of a late change was not appended; the next start does', error)
    })
  }
}
