import { floorHour } from '../../core/hours.ts'
import { type Instant, instant } from '../../core/ids.ts'
import type { RecordStore, Records, RecordsTransaction, Stored } from '../../core/records.ts'
import {
  TRAIL_HEADS,
  TRAIL_LOG_FILES,
  TRAIL_MARKS,
  type TrailDigestEnd,
  type TrailHead,
  type TrailLogFile,
  type TrailMark,
  type TrailPending,
} from '../../core/trail-tables.ts'
import type { TrailPlace } from './trail-format.ts'
import { trailHeads } from './trail-heads.ts'

const ROWS_PER_PAGE = 1000

/**
 * What the store knows of a node's trail. Each method that writes is one transaction: a crash leaves what was before it
 * or what is after it.
 */
export class TrailState {
  readonly #records: RecordStore
  readonly #nodeId: string

  constructor(records: RecordStore, nodeId: string) {
    this.#records = records
    this.#nodeId = nodeId
  }

  async mark(): Promise<TrailMark> {
    const stored = await this.#records.find(TRAIL_MARKS, [this.#nodeId])
    return stored?.record ?? this.#noMark()
  }

  /** Replaces members of the mark. @returns what it is then, as `delivered` does */
  setMark(changes: Partial<Omit<TrailMark, 'nodeId'>>): Promise<TrailMark> {
    return this.#records.transaction((tx) => this.#setMark(tx, changes))
  }

  /** What has to be done next, also after a crash. */
  begin(pending: TrailPending): Promise<TrailMark> {
    return this.setMark({ pending })
  }

  /** The log files of a delivery are in place: the next digests will name them. */
  delivered(
    files: readonly TrailLogFile[],
    mark: Pick<TrailMark, 'sequence' | 'chain'>,
    time: Instant,
  ): Promise<TrailMark> {
    return this.#records.transaction(async (tx) => {
      const before = await this.#markIn(tx)
      for (const file of files) {
        await tx.insert(TRAIL_LOG_FILES, file)
        const { nodeId, accountId, region } = file
        if ((await tx.find(TRAIL_HEADS, [nodeId, accountId, region])) !== undefined) continue
        const windowStart = firstWindow(file, before.closedUntil, time)
        const keptSince = windowStart
        await tx.insert(TRAIL_HEADS, { nodeId, accountId, region, windowStart, keptSince })
      }
      return this.#setMark(tx, { ...mark, pending: undefined })
    })
  }

  /** Whether any account has a chain of digests. */
  async hasHeads(): Promise<boolean> {
    const query = { index: 'key', equals: [this.#nodeId], limit: 1 }
    return (await this.#records.page(TRAIL_HEADS, query)).length > 0
  }

  /** Every chain whose open window began before `end`. They may be closed on the way. */
  async *openHeads(end: Instant): AsyncGenerator<TrailHead, void, undefined> {
    for await (const head of this.heads()) if (head.windowStart < end) yield head
  }

  /** Every chain. They may be changed on the way. */
  heads(): AsyncGenerator<TrailHead, void, undefined> {
    return trailHeads(this.#records, this.#nodeId)
  }

  /** The log files that no digest names yet, ascending by sequence. */
  async openFiles(place: TrailPlace): Promise<readonly TrailLogFile[]> {
    const stored = await openFilesOf(this.#records, this.#nodeId, place)
    return stored.map(({ record }) => record).toSorted((a, b) => a.firstSequence - b.firstSequence)
  }

  /** The digest of a window is in place, and names all open files. */
  closed(head: TrailHead, end: Instant, digest: TrailDigestEnd): Promise<void> {
    return this.#records.transaction(async (tx) => {
      const stored = await tx.find(TRAIL_HEADS, TRAIL_HEADS.keyOf(head))
      if (stored === undefined || stored.record.windowStart >= end) return
      const { key, hash, gzipHash, signature, keptSince } = digest
      const next = { key, hash, gzipHash, signature, keptSince }
      await tx.update(TRAIL_HEADS, stored, { ...stored.record, windowStart: end, digest: next })
      for (const file of await openFilesOf(tx, head.nodeId, head)) {
        await tx.remove(TRAIL_LOG_FILES, file)
      }
    })
  }

  /** The next digest of a chain will say that nothing before `keptSince` is kept. */
  keepSince(head: TrailHead, keptSince: Instant): Promise<void> {
    return this.#records.transaction(async (tx) => {
      const stored = await tx.find(TRAIL_HEADS, TRAIL_HEADS.keyOf(head))
      if (stored === undefined || stored.record.keptSince >= keptSince) return
      await tx.update(TRAIL_HEADS, stored, { ...stored.record, keptSince })
    })
  }

  #noMark(): TrailMark {
    return {
      nodeId: this.#nodeId,
      sequence: 0,
      chain: '0'.repeat(64),
      closedUntil: instant(0),
      pending: undefined,
    }
  }

  async #markIn(tx: Records): Promise<TrailMark> {
    return (await tx.find(TRAIL_MARKS, [this.#nodeId]))?.record ?? this.#noMark()
  }

  async #setMark(
    tx: RecordsTransaction,
    changes: Partial<Omit<TrailMark, 'nodeId'>>,
  ): Promise<TrailMark> {
    const stored = await tx.find(TRAIL_MARKS, [this.#nodeId])
    const next = { ...(stored?.record ?? this.#noMark()), ...changes }
    await (stored ? tx.update(TRAIL_MARKS, stored, next) : tx.insert(TRAIL_MARKS, next))
    return next
  }
}

/** A chain begins with the hour of its oldest record, but in a window that is open. */
function firstWindow(file: TrailLogFile, closedUntil: Instant, time: Instant): Instant {
  const oldest = Date.parse(file.oldestEventTime)
  const earliest = floorHour(instant(Math.min(Number.isNaN(oldest) ? time : oldest, time)))
  return earliest > closedUntil ? earliest : closedUntil
}

async function openFilesOf(
  records: Records,
  nodeId: string,
  { accountId, region }: TrailPlace,
): Promise<readonly Stored<TrailLogFile>[]> {
  const found: Stored<TrailLogFile>[] = []
  let after: readonly string[] | undefined
  for (;;) {
    const page = await records.page(TRAIL_LOG_FILES, {
      index: 'key',
      equals: [nodeId, accountId, region],
      limit: ROWS_PER_PAGE,
      ...(after && { after }),
    })
    found.push(...page)
    const last = page.at(-1)?.record
    if (last === undefined || page.length < ROWS_PER_PAGE) return found
    after = [last.key]
  }
}
