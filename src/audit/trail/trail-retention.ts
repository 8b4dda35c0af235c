import { gunzipSync } from 'node:zlib'
import type { Instant } from '../../core/ids.ts'
import type { RecordStore } from '../../core/records.ts'
import type { TrailHead } from '../../core/trail-tables.ts'
import type { DigestFile } from './trail-format.ts'
import { parseDigestKey } from './trail-names.ts'
import type { TrailObjects } from './trail-objects.ts'
import { TrailState } from './trail-state.ts'

/** Digests that are looked at together. */
const DIGESTS_PER_PAGE = 50

export interface TrailRetentionParts {
  readonly records: RecordStore
  readonly objects: TrailObjects
  readonly nodeId: string
}

/** What was removed. */
export interface RemovedObjects {
  readonly digests: number
  readonly logFiles: number
}

interface PlacedDigest {
  readonly key: string
  readonly end: Instant
}

/**
 * Removes what is old from the trail, in two steps: first the next digest of a chain says since when it is kept, and only
 * when that digest is in place, what ends before then is removed. So whoever has the public key can tell a cut by
 * retention from damage. The newest digest of a chain always stays.
 */
export class TrailRetention {
  readonly #objects: TrailObjects
  readonly #state: TrailState

  constructor({ records, objects, nodeId }: TrailRetentionParts) {
    this.#objects = objects
    this.#state = new TrailState(records, nodeId)
  }

  /** Has the next digests say that what ends at or before `cutoff` is not kept. @returns how many chains are cut */
  async announce(cutoff: Instant): Promise<number> {
    let cut = 0
    for await (const head of this.#state.heads()) {
      const keptSince = await this.#newestEnd(head, cutoff)
      if (keptSince === undefined || keptSince <= head.keptSince) continue
      await this.#state.keepSince(head, keptSince)
      cut += 1
    }
    return cut
  }

  /** Whether there is something that digests have said is not kept. */
  async hasRemovable(): Promise<boolean> {
    for await (const head of this.#state.heads()) {
      const oldest = await this.#digests(head, undefined, 1)
      if (oldest[0] !== undefined && isRemovable(head, oldest[0])) return true
    }
    return false
  }

  /** Removes what digests have said is not kept, oldest first. Can be called again after a crash. */
  async remove(): Promise<RemovedObjects> {
    const removed = { digests: 0, logFiles: 0 }
    for await (const head of this.#state.heads()) {
      for await (const digest of this.#eachDigest(head)) {
        if (!isRemovable(head, digest)) break
        removed.logFiles += await this.#removeLogFiles(head.accountId, digest.key)
        await this.#objects.remove(head.accountId, digest.key)
        removed.digests += 1
      }
    }
    return removed
  }

  /** The end of the newest digest that may go: where the one behind it begins. */
  async #newestEnd(head: TrailHead, cutoff: Instant): Promise<Instant | undefined> {
    let newest: Instant | undefined
    for await (const { key, end } of this.#eachDigest(head)) {
      if (end > cutoff || key === head.digest?.key) return newest
      newest = end
    }
    return newest
  }

  async *#eachDigest(head: TrailHead): AsyncGenerator<PlacedDigest, void, undefined> {
    let after: string | undefined
    for (;;) {
      const page = await this.#digests(head, after, DIGESTS_PER_PAGE)
      yield* page
      after = page.at(-1)?.key
      if (after === undefined || page.length < DIGESTS_PER_PAGE) return
    }
  }

  /** In the order of their names, which is that of their ends. */
  async #digests(
    { accountId, region }: TrailHead,
    after: string | undefined,
    limit: number,
  ): Promise<readonly PlacedDigest[]> {
    const prefix = `AWSLogs/${accountId}/CloudTrail-Digest/${region}/`
    const listed = await this.#objects.list(accountId, { prefix, limit, after })
    return listed.flatMap(({ key }) => {
      const end = parseDigestKey(key)?.end
      return end === undefined ? [] : [{ key, end }]
    })
  }

  async #removeLogFiles(accountId: string, digestKey: string): Promise<number> {
    const digest = await this.#objects.get(accountId, digestKey)
    if (digest === undefined) return 0
    const { logFiles } = namedBy(digest.body)
    for (const { s3Object } of logFiles) await this.#objects.remove(accountId, s3Object)
    return logFiles.length
  }
}

const isRemovable = ({ digest }: TrailHead, { key, end }: PlacedDigest): boolean =>
  digest !== undefined && end <= digest.keptSince && key !== digest.key

/** What a digest names; nothing where it was damaged: its log files then stay. */
function namedBy(body: Buffer): Pick<DigestFile, 'logFiles'> {
  try {
    // This node wrote it. A name that it did not write removes nothing: keys are checked.
    const { logFiles } = JSON.parse(gunzipSync(body).toString()) as DigestFile
    return { logFiles }
  } catch {
    return { logFiles: [] }
  }
}
