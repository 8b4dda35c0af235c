import { hash } from 'node:crypto'
import { gunzipPlain } from '../../audit/trail/gunzip.ts'
import { parseDigest } from '../../audit/trail/parse-digest.ts'
import type { DigestFile, TrailPlace } from '../../audit/trail/trail-format.ts'
import { trailHeads } from '../../audit/trail/trail-heads.ts'
import { parseDigestKey } from '../../audit/trail/trail-names.ts'
import type { TrailObjects } from '../../audit/trail/trail-objects.ts'
import { DependencyError } from '../../core/errors.ts'
import { type Instant, instant } from '../../core/ids.ts'
import { SHIP_MARKS } from '../../core/outbound-tables.ts'
import type { Clock, Log, Random } from '../../core/ports.ts'
import type { RecordStore, Stored } from '../../core/records.ts'
import { TRAIL_LOG_FILES, type TrailHead, type TrailLogFile } from '../../core/trail-tables.ts'
import { backOffMs } from '../back-off.ts'
import { inParallel } from '../in-parallel.ts'
import type { ShipDestination } from './destination.ts'

const ROWS_PER_PAGE = 500
/** Digests that are looked for at once. */
const DIGESTS_PER_PAGE = 200
/** Log files of one digest that are on their way at once. */
const FILES_AT_ONCE = 4
/** How long shipping goes on when the node is stopped. */
const STOP_MS = 3000

export interface ShipperParts {
  readonly nodeId: string
  readonly records: Pick<RecordStore, 'find' | 'page' | 'transaction'>
  readonly objects: Pick<TrailObjects, 'get' | 'list'>
  readonly destination: ShipDestination
  /** The machine's clock. */
  readonly machine: Clock
  readonly random: Random
  readonly log: Log
}

/** The state of one destination at this moment, and counters since the start. */
export interface ShipStats {
  readonly destination: string
  readonly files: number
  readonly digests: number
  readonly bytes: number
  readonly failures: number
  /** Files that are not shipped because they are gone, or are not what their digest says. */
  readonly unshippable: number
  /** Since everything that was there had last been shipped. Unit: milliseconds. */
  readonly behindMs: number
  /** Why the last attempt failed; absent once one succeeds. */
  readonly failure?: string
}

/**
 * Copies the files of a node's trail to one destination, hour by hour: the log files that a digest names, then the digest,
 * then the mark in the store. Log files of the hour under way go ahead of their digest. At least once: after a crash
 * one hour's files may be put again, which changes nothing.
 */
export class TrailShipper {
  readonly #parts: ShipperParts
  /** Files that were shipped ahead of their digest, with the hash of what they were. Lost by a restart, and then shipped again. */
  readonly #ahead = new Map<string, string>()
  readonly #cut = new AbortController()
  #isStopping = false
  #round: Promise<void> | undefined
  #broken = { failures: 0, until: 0 }
  #failure: string | undefined
  #counts = { files: 0, digests: 0, bytes: 0, failures: 0, unshippable: 0 }
  #completeAt: number

  constructor(parts: ShipperParts) {
    this.#parts = parts
    this.#completeAt = parts.machine.now()
  }

  /** Ships all that is there. One round at a time: who comes meanwhile waits for the same. Never rejects. */
  round(): Promise<void> {
    this.#round ??= this.#shipAll().finally(() => {
      this.#round = undefined
    })
    return this.#round
  }

  /**
   * Up to when all digests, with all that they name, are at the destination; 0 where none is. `now` where there is nothing
   * to ship.
   */
  async shippedUntil(now: Instant): Promise<Instant> {
    let until = now
    for await (const head of trailHeads(this.#parts.records, this.#parts.nodeId)) {
      const shipped = await this.#shippedOf(head)
      if (shipped < until) until = shipped
    }
    return until
  }

  stats(): ShipStats {
    const { destination, machine } = this.#parts
    return {
      destination: destination.name,
      ...this.#counts,
      behindMs: Math.max(0, machine.now() - this.#completeAt),
      ...(this.#failure !== undefined && { failure: this.#failure }),
    }
  }

  /** Ships what there is in the few seconds that a stop may take; the rest goes out after the next start. */
  async close(): Promise<void> {
    const timer = setTimeout(() => {
      this.#isStopping = true
      this.#cut.abort()
    }, STOP_MS)
    await this.#round
    if (!this.#isStopping && this.#failure === undefined) await this.round()
    this.#isStopping = true
    clearTimeout(timer)
    this.#parts.destination.close()
  }

  async #shipAll(): Promise<void> {
    const { machine, random } = this.#parts
    const startedAt = machine.now()
    if (startedAt < this.#broken.until) return
    try {
      for await (const head of trailHeads(this.#parts.records, this.#parts.nodeId)) {
        await this.#shipDigests(head)
        await this.#shipOpenFiles(head)
      }
      this.#succeeded(startedAt)
    } catch (error) {
      if (error instanceof Stopped) return
      const failures = this.#broken.failures + 1
      this.#broken = { failures, until: machine.now() + backOffMs(failures, random) }
      this.#failed(error)
    }
  }

  #succeeded(startedAt: number): void {
    const { log, destination } = this.#parts
    if (this.#failure !== undefined)
      log.info({ destination: destination.name }, 'the audit trail is shipped again')
    this.#failure = undefined
    this.#broken = { failures: 0, until: 0 }
    this.#completeAt = startedAt
  }

  #failed(error: unknown): void {
    const { log, destination } = this.#parts
    this.#counts.failures += 1
    const why = error instanceof DependencyError ? error.message : 'an error of this program'
    if (this.#failure !== why)
      log.error(
        { destination: destination.name, why },
        'the audit trail was not shipped; it is tried again',
        error,
      )
    this.#failure = why
  }

  async #shippedOf({ accountId, region }: TrailPlace): Promise<Instant> {
    const { records, nodeId, destination } = this.#parts
    const key = [nodeId, destination.name, accountId, region]
    return (await records.find(SHIP_MARKS, key))?.record.digestEnd ?? instant(0)
  }

  /** Ships what the digests behind the mark name, and each digest behind its files. */
  async #shipDigests(head: TrailHead): Promise<void> {
    if (head.digest === undefined) return
    let shipped = await this.#shippedOf(head)
    while (shipped < head.windowStart) {
      const digests = await this.#digestsBehind(head, shipped)
      for (const { key, end } of digests) {
        await this.#shipDigest(head, key)
        await this.#moveMark(head, end)
        shipped = end
      }
      if (digests.length > 0) continue
      const { log, destination } = this.#parts
      const { accountId, region } = head
      log.warn(
        { destination: destination.name, accountId, region },
        'digests are gone before they were shipped',
      )
      this.#counts.unshippable += 1
      await this.#moveMark(head, head.windowStart)
      return
    }
  }

  /** Of the digests that end behind `shipped` the oldest, in order. None that a crash may have left unfinished. */
  async #digestsBehind(
    { accountId, region, windowStart }: TrailHead,
    shipped: Instant,
  ): Promise<readonly { readonly key: string; readonly end: Instant }[]> {
    const prefix = `AWSLogs/${accountId}/CloudTrail-Digest/${region}/`
    // From the beginning of a day on: below it keys sort by the node's Region first, and that may have changed.
    const day = new Date(shipped).toISOString().slice(0, 10).replaceAll('-', '/')
    const query = { prefix, after: `${prefix}${day}/`, limit: DIGESTS_PER_PAGE }
    const found = await this.#parts.objects.list(accountId, query)
    // A page that is full may end within a day, which is then left for the next one.
    const lastDay = found.length < DIGESTS_PER_PAGE ? undefined : dayOf(found.at(-1)?.key)
    return found
      .filter(({ key }) => dayOf(key) !== lastDay)
      .map(({ key }) => ({ key, end: parseDigestKey(key)?.end ?? instant(0) }))
      .filter(({ end }) => end > shipped && end <= windowStart)
      .sort((a, b) => a.end - b.end)
  }

  async #shipDigest(head: TrailHead, key: string): Promise<void> {
    const { objects } = this.#parts
    const object = await objects.get(head.accountId, key)
    const bytes = object && gunzipPlain(object.body)
    const digest = bytes && parseDigest(bytes).digest
    if (object === undefined || digest === undefined) {
      this.#unshippable(key, 'a digest is gone, or is none')
      return
    }
    await inParallel(this.#jobsOf(head.accountId, digest), FILES_AT_ONCE)
    await this.#put(head.accountId, object)
    this.#counts.digests += 1
    for (const { s3Object } of digest.logFiles) this.#ahead.delete(s3Object)
  }

  #jobsOf(accountId: string, { logFiles }: DigestFile): readonly (() => Promise<void>)[] {
    return logFiles
      .filter(({ s3Object, gzipHash }) => this.#ahead.get(s3Object) !== gzipHash)
      .map(
        ({ s3Object, gzipHash }) =>
          () =>
            this.#shipFile(accountId, s3Object, gzipHash),
      )
  }

  /** Ships the log files that no digest names yet. */
  async #shipOpenFiles({ nodeId, accountId, region }: TrailHead): Promise<void> {
    let after: readonly string[] | undefined
    for (;;) {
      const query = { index: 'key', equals: [nodeId, accountId, region], limit: ROWS_PER_PAGE }
      const page: readonly Stored<TrailLogFile>[] = await this.#parts.records.page(
        TRAIL_LOG_FILES,
        { ...query, ...(after && { after }) },
      )
      for (const { record } of page) {
        const { key, gzipHash } = record
        if (this.#ahead.get(key) === gzipHash) continue
        await this.#shipFile(accountId, key, gzipHash)
        this.#ahead.set(key, gzipHash)
      }
      const last = page.at(-1)?.record
      if (last === undefined || page.length < ROWS_PER_PAGE) return
      after = [last.key]
    }
  }

  /** A file that was altered here must not take the place of what may be a good copy. */
  async #shipFile(accountId: string, key: string, gzipHash: string): Promise<void> {
    const object = await this.#parts.objects.get(accountId, key)
    if (object === undefined) this.#unshippable(key, 'a log file is gone')
    else if (hash('sha256', object.body, 'hex') !== gzipHash)
      this.#unshippable(key, 'a log file is not what was written')
    else {
      await this.#put(accountId, object)
      this.#counts.files += 1
    }
  }

  async #put(accountId: string, object: Parameters<ShipDestination['put']>[1]): Promise<void> {
    if (this.#isStopping) throw new Stopped()
    await this.#parts.destination.put(accountId, object, this.#cut.signal)
    this.#counts.bytes += object.body.length
  }

  #unshippable(key: string, why: string): void {
    this.#counts.unshippable += 1
    const { log, destination } = this.#parts
    log.error({ destination: destination.name, key, why }, 'a file of the trail is not shipped')
  }

  async #moveMark(place: TrailPlace, digestEnd: Instant): Promise<void> {
    const { records, nodeId, destination } = this.#parts
    const { accountId, region } = place
    const mark = { nodeId, destination: destination.name, accountId, region, digestEnd }
    await records.transaction(async (tx) => {
      const stored = await tx.find(SHIP_MARKS, SHIP_MARKS.keyOf(mark))
      await (stored === undefined
        ? tx.insert(SHIP_MARKS, mark)
        : tx.update(SHIP_MARKS, stored, mark))
    })
  }
}

/** The folder of a key: one for each day. */
const dayOf = (key = ''): string => key.slice(0, key.lastIndexOf('/'))

/** The node is being stopped: what is not shipped is shipped after the next start. */
class Stopped extends Error {}
