import { statfs } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { IndexStats } from '../../audit/event-index/audit-index.ts'
import type { AuditLog, WrittenBatch } from '../../audit/segments/audit-log.ts'
import type { TrailStats } from '../../audit/trail/trail-delivery.ts'
import type { Clock } from '../../core/ports.ts'
import type { RowStore } from '../../core/store.ts'
import { BACKING_KEYS, KEYS } from '../../core/tables.ts'
import { CallMeter } from '../../metrics/call-meter.ts'
import { type Metric, Registry } from '../../metrics/registry.ts'
import type { AnchorStats } from '../../outbound/anchors/anchoring.ts'
import type { FeedStats } from '../../outbound/events/event-feed.ts'
import type { ShipStats } from '../../outbound/shipping/trail-shipper.ts'
import type { Progress } from '../../pipeline/call-records.ts'
import type { CallWatch } from '../../pipeline/call-watch.ts'
import type { StoreCommit } from '../../storage/embedded/group-commit.ts'
import { programVersion } from '../version.ts'
import { measureAudit, measureEvents, measureIndex, measureTrail } from './audit-metrics.ts'
import { KeyCensus } from './key-census.ts'
import { measureAnchors, measureShipping } from './outbound-metrics.ts'
import { measureProcess } from './process-metrics.ts'
import { allWatches, type OwnedWatch } from './watches.ts'

/** Of writes with their sync. Unit: seconds. */
const WRITE_BOUNDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5,
]
/** Of what shares a write. */
const GROUP_BOUNDS: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]

/** How long a reading waits for a new count of the keys: most stores are counted in less. */
const CENSUS_WAIT_MS = 100

/** A cache that counts how it served. */
interface CacheStats {
  stats(): { readonly hits: number; readonly misses: number; readonly entries?: number }
}

/** Work that waits for a free thread, and work that has one. */
interface Gate {
  readonly running: number
  readonly waiting: number
}

/**
 * Everything that one node measures of itself. What is counted on the path of calls has handles of its own;
 * the rest is read from its owners when somebody scrapes.
 *
 * Every metric is told in docs/operating/monitoring.md.
 */
export class NodeMetrics {
  readonly calls: CallMeter
  readonly #registry = new Registry()
  readonly #endings: (() => void | Promise<void>)[] = []
  readonly #cacheHits = this.#registry.counter({
    name: 'strongroom_cache_hits_total',
    help: 'What was found in a cache',
    labels: ['cache'],
  })
  readonly #cacheMisses = this.#registry.counter({
    name: 'strongroom_cache_misses_total',
    help: 'What had to be loaded or worked out',
    labels: ['cache'],
  })
  readonly #cacheEntries = this.#registry.gauge({
    name: 'strongroom_cache_entries',
    help: 'Entries of a cache',
    labels: ['cache'],
  })

  readonly #others: readonly OwnedWatch[]

  /** @param others what else looks at calls, which ends with the metrics */
  constructor(others: readonly OwnedWatch[] = []) {
    this.#others = others
    for (const watch of others) this.#endings.push(() => watch.close())
    this.#registry
      .gauge({
        name: 'strongroom_build_info',
        help: 'Always 1; the label is the version of the program',
        labels: ['version'],
      })
      .of(programVersion()).value = 1
    this.calls = new CallMeter(this.#registry)
    this.#endings.push(measureProcess(this.#registry))
  }

  /** What the pipeline tells. */
  get watch(): CallWatch {
    const own = {
      now: () => performance.now(),
      ended: (progress: Progress) => this.#ended(progress),
    }
    return allWatches(own, this.#others)
  }

  #ended({ service, operation, call, failure, startedMs, trace }: Readonly<Progress>): void {
    const seconds = (performance.now() - startedMs) / 1000
    if (failure === undefined) {
      if (operation !== undefined) this.calls.succeeded(operation, seconds)
    } else {
      this.calls.failed({
        service: service.name,
        operation,
        isRefusal: call === undefined || failure.code === 'ThrottlingException',
        seconds,
        error: failure,
      })
    }
    for (const { decision } of trace.decided) {
      if (decision.allowed) this.calls.allowed(decision.path)
      else this.calls.denied(decision.denial.layer, decision.denial.isExplicit)
    }
  }

  /** @returns is told of each write of the audit log */
  observeBatches(): (batch: WrittenBatch) => void {
    const seconds = this.#registry
      .histogram(
        {
          name: 'strongroom_audit_write_duration_seconds',
          help: 'Time of a write of the audit log with its sync, in seconds',
        },
        WRITE_BOUNDS,
      )
      .of()
    const frames = this.#registry
      .histogram(
        { name: 'strongroom_audit_batch_frames', help: 'Frames that shared one write' },
        GROUP_BOUNDS,
      )
      .of()
    return (batch) => {
      seconds.observe(batch.milliseconds / 1000)
      frames.observe(batch.frames)
    }
  }

  /** @returns is told of each commit of the store */
  observeCommits(): (commit: StoreCommit) => void {
    const seconds = this.#registry
      .histogram(
        {
          name: 'strongroom_store_commit_duration_seconds',
          help: 'Time of a commit of the store with its sync, in seconds; calls wait meanwhile',
        },
        WRITE_BOUNDS,
      )
      .of()
    const works = this.#registry
      .histogram(
        { name: 'strongroom_store_commit_works', help: 'Units of work that shared one commit' },
        GROUP_BOUNDS,
      )
      .of()
    return (commit) => {
      seconds.observe(commit.milliseconds / 1000)
      works.observe(commit.works)
    }
  }

  /** Watches the audit log and everything that follows it. */
  watchAudit(parts: {
    readonly log: AuditLog
    readonly index: { stats(): IndexStats }
    readonly delivery: { stats(): TrailStats }
    readonly events: { stats(): readonly FeedStats[] }
    readonly records: CacheStats
  }): void {
    measureAudit(this.#registry, parts.log)
    measureIndex(this.#registry, parts.index)
    measureTrail(this.#registry, parts.delivery)
    measureEvents(this.#registry, parts.events)
    this.watchCache('records', parts.records)
  }

  /** Watches what leaves a node with a folder, besides its events. */
  watchOutbound(parts: {
    readonly shipping: { stats(): readonly ShipStats[] }
    readonly anchors: { stats(): readonly AnchorStats[] }
  }): void {
    measureShipping(this.#registry, parts.shipping)
    measureAnchors(this.#registry, parts.anchors)
  }

  watchTrail(trail: { readonly undelivered: number }): void {
    const undelivered = this.#gauge(
      'strongroom_audit_undelivered_frames',
      'Frames of committed changes that could not be appended yet',
    )
    this.#registry.read(() => {
      undelivered.value = trail.undelivered
    })
  }

  watchCache(name: string, cache: CacheStats): void {
    const hits = this.#cacheHits.of(name)
    const misses = this.#cacheMisses.of(name)
    this.#registry.read(() => {
      const stats = cache.stats()
      hits.value = stats.hits
      misses.value = stats.misses
      if (stats.entries !== undefined) this.#cacheEntries.of(name).value = stats.entries
    })
  }

  watchGate(gate: Gate): void {
    const running = this.#gauge(
      'strongroom_crypto_tasks_running',
      'Cryptographic tasks on the thread pool',
    )
    const waiting = this.#gauge(
      'strongroom_crypto_tasks_waiting',
      'Cryptographic tasks that wait for the thread pool',
    )
    this.#registry.read(() => {
      running.value = gate.running
      waiting.value = gate.waiting
    })
  }

  /** @param clock the service's: dates of deletion and expiry go by it */
  watchKeys(rows: RowStore, clock: Clock): void {
    const keys = this.#registry.gauge({
      name: 'strongroom_keys',
      help: 'Keys by state and spec, as of strongroom_keys_counted_timestamp_seconds',
      labels: ['state', 'spec'],
    })
    const countedAt = this.#registry.gauge({
      name: 'strongroom_keys_counted_timestamp_seconds',
      help: 'When the keys were counted, Unix time',
    })
    const untilDeletion = this.#registry.gauge({
      name: 'strongroom_next_key_deletion_seconds',
      help: 'Time until the next key is deleted; absent where none is going to be',
    })
    const untilExpiry = this.#registry.gauge({
      name: 'strongroom_next_key_material_expiration_seconds',
      help: 'Time until the next imported key material expires; absent where none does',
    })
    const census = new KeyCensus(rows)
    this.#endings.push(() => census.close())
    this.#registry.read(async () => {
      await Promise.race([census.countIfDue(), sleep(CENSUS_WAIT_MS, undefined, { ref: false })])
      const { counts, countedAtMs } = census.latest
      keys.clear()
      for (const { state, spec, count } of counts) keys.of(state, spec).value = count
      if (countedAtMs !== undefined) countedAt.of().value = countedAtMs / 1000
      const dates = [
        [untilDeletion, KEYS, 'by_deletion_date', 'deletion_date'],
        [untilExpiry, BACKING_KEYS, 'by_expiry', 'valid_to'],
      ] as const
      for (const [family, { schema }, index, column] of dates) {
        const query = { index, equals: [], upTo: Number.MAX_SAFE_INTEGER, limit: 1 }
        const date = (await rows.page(schema, query))[0]?.columns[column]
        family.clear()
        if (typeof date === 'number') family.of().value = (date - clock.now()) / 1000
      }
    })
  }

  /** Watches the disk that a folder is on. */
  watchDisk(folder: string): void {
    const size = this.#gauge(
      'strongroom_data_disk_size_bytes',
      'Size of the disk of the data folder',
    )
    const free = this.#gauge(
      'strongroom_data_disk_free_bytes',
      'What the node may still write to the disk of the data folder',
    )
    this.#registry.read(async () => {
      const { bsize, blocks, bavail } = await statfs(folder)
      size.value = blocks * bsize
      free.value = bavail * bsize
    })
  }

  /** Every metric, brought up to date. */
  collect(): Promise<readonly Metric[]> {
    return this.#registry.collect()
  }

  async close(): Promise<void> {
    for (const end of this.#endings) await end()
  }

  #gauge(name: string, help: string) {
    return this.#registry.gauge({ name, help }).of()
  }
}
