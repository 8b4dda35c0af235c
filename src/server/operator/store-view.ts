import type { AuditHead } from '../../audit/segments/audit-log.ts'
import type { LogFloor } from '../../audit/segments/log-floor.ts'
import type { Anchor } from '../../audit/trail/anchors.ts'
import { isoSeconds } from '../../audit/trail/trail-format.ts'
import { parseDigestKey } from '../../audit/trail/trail-names.ts'
import type { FolderOptions } from '../../cli/program.ts'
import { DependencyError, OperatorError } from '../../core/errors.ts'
import { instant } from '../../core/ids.ts'
import type { RecordStore } from '../../core/records.ts'
import { TRAIL_HEADS, type TrailHead } from '../../core/trail-tables.ts'
import type { Custody } from '../../crypto/custody.ts'
import { createRandom } from '../../crypto/random.ts'
import { createRecordStore } from '../../storage/record-store.ts'
import { machineClock } from '../clocks.ts'
import { loadAuditFloor } from '../node/audit-floor.ts'
import { loadAuditHead } from '../node/audit-head.ts'
import { type NodeFolder, nodeFolder } from '../node/node-folder.ts'
import { findNodeId } from '../node/node-id.ts'
import { unsealForReading } from '../node/node-state.ts'
import { openStoreForReading } from '../node/node-store.ts'
import { createOperatorLog } from './operator-log.ts'

/** What the store knows of the log and the trail: the keys of MACs, and how far they went. */
export interface StoreView {
  readonly custody: Custody
  readonly head: AuditHead | 'forged' | undefined
  /** Where the log begins; undefined where retention has removed nothing. */
  readonly floor: LogFloor | 'forged' | undefined
  /** The newest digest of every account and Region. */
  readonly digests: readonly TrailHead[]
}

/** The reason instead, where store or seal are not at hand, as in a copy of the log alone. */
async function lookIntoStore(
  folder: NodeFolder,
  options: FolderOptions,
): Promise<StoreView | string> {
  const parts = { clock: machineClock, random: createRandom(), log: createOperatorLog('silent') }
  const rows = await openStoreForReading(folder)
  if (rows === undefined) return `there is no store at ${folder.storeFile}`
  try {
    const custody = await unsealForReading(options, folder, rows, parts)
    if (custody === undefined) return 'the root key is not at hand'
    const nodeId = findNodeId(folder)
    const records = createRecordStore({ rows, guard: custody, cacheRecords: 0 })
    const digests = await headsOf(records)
    if (nodeId === undefined) return { custody, digests, head: undefined, floor: undefined }
    const head = await loadAuditHead(rows, custody, nodeId)
    return { custody, digests, head, floor: await loadAuditFloor(rows, custody, nodeId) }
  } finally {
    await rows.close()
  }
}

const HEADS_PER_PAGE = 1000

async function headsOf(records: RecordStore): Promise<readonly TrailHead[]> {
  const heads: TrailHead[] = []
  let after: readonly string[] | undefined
  for (;;) {
    const query = { index: 'key', equals: [], limit: HEADS_PER_PAGE, ...(after && { after }) }
    const page = (await records.page(TRAIL_HEADS, query)).map(({ record }) => record)
    heads.push(...page)
    const last = page.at(-1)
    if (last === undefined || page.length < HEADS_PER_PAGE) return heads
    after = [last.nodeId, last.accountId, last.region]
  }
}

/** What the store of a folder knows; the reason instead, where it cannot be looked into. */
export const viewOf = (options: FolderOptions): Promise<StoreView | string> =>
  lookIntoStore(nodeFolder(options), options).catch((error: unknown) => {
    // A store that cannot be opened must not keep anybody from checking the log.
    const isKnown = error instanceof OperatorError || error instanceof DependencyError
    if (isKnown) return `the store was not opened (${error.message})`
    throw error
  })

/** What the store knows of digests, as an anchor says it. */
export function anchorOf({ digests }: StoreView): Anchor {
  const noted = digests.flatMap(({ accountId, region, digest }) => {
    const name = digest && parseDigestKey(digest.key)
    if (digest === undefined || name === undefined) return []
    const { signature } = digest
    return [{ accountId, region, digestEndTime: isoSeconds(name.end), signature }]
  })
  return {
    where: 'the store',
    time: instant(0),
    nodeId: '',
    sequence: 0,
    chain: '',
    digests: noted,
  }
}
