import type { Records } from '../../core/records.ts'
import { TRAIL_HEADS, type TrailHead } from '../../core/trail-tables.ts'

const ROWS_PER_PAGE = 500

/** Every account and Region that a node has a trail of. They may be changed on the way. */
export async function* trailHeads(
  records: Pick<Records, 'page'>,
  nodeId: string,
): AsyncGenerator<TrailHead, void, undefined> {
  let after: readonly string[] | undefined
  for (;;) {
    const query = { index: 'key', equals: [nodeId], limit: ROWS_PER_PAGE }
    const page = await records.page(TRAIL_HEADS, { ...query, ...(after && { after }) })
    for (const { record } of page) yield record
    const last = page.at(-1)?.record
    if (last === undefined || page.length < ROWS_PER_PAGE) return
    after = [last.accountId, last.region]
  }
}
