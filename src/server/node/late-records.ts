import { withOutboxId } from '../../audit/event.ts'
import type { Log } from '../../core/ports.ts'
import type { OutboxEntry, RowStore } from '../../core/store.ts'
import type { FrameSink } from '../../pipeline/audit-trail.ts'

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
