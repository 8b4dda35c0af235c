import type { RowStore } from '../../core/store.ts'

/** Entries of the change feed that are kept: far more than a node that has fallen behind looks at. */
const FEED_EPOCHS_KEPT = 100_000

/** Forgets the oldest entries of the change feed, many at a time. */
export async function trimFeed(rows: RowStore): Promise<void> {
  const epoch = await rows.epoch()
  const [oldest] = await rows.changesSince(0, 1)
  if (oldest !== undefined && epoch - oldest.epoch > 2 * FEED_EPOCHS_KEPT) {
    await rows.trimChanges(epoch - FEED_EPOCHS_KEPT)
  }
}
