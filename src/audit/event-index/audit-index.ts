import type { DatabaseSync } from 'node:sqlite'
import type {
  AuditSearch,
  EventCount,
  EventCountsQuery,
  EventPage,
  EventPageQuery,
  FoundEvent,
} from '../../core/audit-search.ts'
import { OperatorError } from '../../core/errors.ts'
import type { Log } from '../../core/ports.ts'
import { isJsonObject } from '../../core/strict-json.ts'
import type { AuditDamage } from '../segments/audit-log.ts'
import { followLog, isMarkOf, type LogMark } from '../segments/follow-log.ts'
import type { ReadFrame } from '../segments/read-frames.ts'
import { RecordReader } from '../segments/record-reader.ts'
import { openSegment, segmentNumbers } from '../segments/segment-catalog.ts'
import type { SegmentFiles } from '../segments/segment-files.ts'
import { recordsOf } from '../trail/frame-records.ts'
import { factsOf, matches } from './event-facts.ts'
import { timeOfId } from './event-ids.ts'
import { forgetBelow } from './forget-events.ts'
import { IndexCounts } from './index-counts.ts'
import {
  IN_MEMORY,
  indexFileBytes,
  isDamagedIndex,
  openIndexFile,
  readMark,
  removeIndexFile,
} from './index-file.ts'
import { type EventRow, IndexPages, needsLooking, pageToken } from './index-pages.ts'
import { INDEX_SIZES, type IndexSizes } from './index-schema.ts'
import { IndexWriter } from './index-writer.ts'

/** Frames of one transaction, and their text. Unit of the latter: UTF-16 units. */
const BATCH_FRAMES_MAX = 4096
const BATCH_UNITS_MAX = 16_777_216
/** A request has one frame; others may hold its id as a text of the caller's, and the same hash as well by chance. */
const REQUEST_FRAMES_MAX = 16
const PAGE_EVENTS_MAX = 10_000

export interface AuditIndexOptions {
  /** Of the log. */
  readonly files: SegmentFiles
  readonly nodeId: string
  /** Its own, thrown away and made again at will; `IN_MEMORY` for none. */
  readonly file: string
  /** The newest durable frame: no other is read. Absent where nobody writes: all are. */
  readonly head?: () => number
  readonly log: Log
  /** Steady time in milliseconds. */
  readonly steadyMs: () => number
  /** Told after each batch, whatever it was taken in for. */
  readonly onBatch?: () => void
  /** Small ones, for tests. */
  readonly sizes?: IndexSizes
}

/** How an index is doing, for metrics. */
export interface IndexStats {
  /** Frames of the log that are not in the index yet; 0 where nobody says how many there are. */
  readonly lagFrames: number
  /** Of the newest frame in the index. */
  readonly sequence: number
  readonly events: number
  /** Of its file. */
  readonly bytes: number
  readonly lastBatchFrames: number
  readonly lastBatchMs: number
  /** How often it was made from the beginning since it was opened. */
  readonly rebuilds: number
}

/** Told how far the index is: the newest frame that is in it. */
export type OnIndexed = (sequence: number) => void

interface Opened {
  readonly db: DatabaseSync
  readonly writer: IndexWriter
  readonly pages: IndexPages
  readonly counts: IndexCounts
}

/**
 * The index over one node's log, on this thread. Whatever is asked is answered from every frame that was durable
 * then. One thing at a time: catching up lets questions in between its batches.
 */
export class AuditIndex implements AuditSearch {
  readonly #options: AuditIndexOptions
  readonly #reader: RecordReader
  #opened: Opened | undefined
  #mark: LogMark | undefined
  #isMarkChecked = false
  #turn: Promise<unknown> = Promise.resolve()
  #lastBatchFrames = 0
  #lastBatchMs = 0
  #rebuilds = 0
  #toldDamage = ''
  #oldestSegment = 1

  constructor(options: AuditIndexOptions) {
    this.#options = options
    this.#reader = new RecordReader(options.files)
  }

  search(query: EventPageQuery): Promise<EventPage> {
    if (!(query.limit >= 1 && query.limit <= PAGE_EVENTS_MAX)) {
      return Promise.reject(new OperatorError(`a page has 1 to ${PAGE_EVENTS_MAX} events`))
    }
    return this.#afterAll(() => this.#page(query))
  }

  counts(query: EventCountsQuery): Promise<readonly EventCount[]> {
    return this.#afterAll(() => Promise.resolve(this.#open().counts.counts(query)))
  }

  /** The texts of the frames that may be of a request, newest first: its id stands somewhere in each. */
  requestFrames(requestId: string): Promise<readonly string[]> {
    return this.#afterAll(async () => {
      const texts: string[] = []
      for (const row of this.#open().pages.framesOf(requestId)) {
        const text = await this.#reader.read(row)
        if (text?.includes(requestId) === true) texts.push(text)
        if (texts.length === REQUEST_FRAMES_MAX) break
      }
      return texts
    })
  }

  /** Takes in one batch. @returns whether there may be more */
  takeBatch(): Promise<boolean> {
    return this.#alone(() => this.#catchUpOnce())
  }

  /** Takes in every frame that is durable now, batch by batch; others get their turn in between. */
  async catchUp(onIndexed?: OnIndexed): Promise<void> {
    for (;;) {
      const isBehind = await this.takeBatch()
      if (!isBehind) return
      onIndexed?.(this.sequence)
    }
  }

  /** Throws the index away; the next question, or `catchUp`, makes it again. */
  reset(): Promise<void> {
    return this.#alone(() => Promise.resolve(this.#discard()))
  }

  /** Takes out all events of frames below a sequence, whose segments are being removed. */
  forgetBelow(sequence: number): Promise<void> {
    return this.#alone(async () => {
      const { db, writer } = this.#open()
      forgetBelow(db, sequence)
      writer.refresh()
      await this.#reader.close()
    })
  }

  /** The newest frame in the index: what is below may be removed from the log without being missed here. */
  get sequence(): number {
    return this.#mark?.sequence ?? 0
  }

  stats(): IndexStats {
    const { file, head } = this.#options
    const events = this.#opened?.db.prepare('SELECT total(events) AS events FROM chunk').get()
    return {
      lagFrames: Math.max(0, (head?.() ?? 0) - this.sequence),
      sequence: this.sequence,
      events: Number(events?.['events'] ?? 0),
      bytes: indexFileBytes(file),
      lastBatchFrames: this.#lastBatchFrames,
      lastBatchMs: this.#lastBatchMs,
      rebuilds: this.#rebuilds,
    }
  }

  async close(): Promise<void> {
    await this.#alone(async () => {
      this.#closeFile()
      await this.#reader.close()
    })
  }

  /** Does work once nothing else is under way. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  /** Does work on an index that has everything; once more on a new one where the file turns out to be damaged. */
  #afterAll<T>(work: () => Promise<T>): Promise<T> {
    const onAll = async (): Promise<T> => {
      while (await this.#catchUpOnce());
      if (this.#options.file === IN_MEMORY) await this.#forgetDropped()
      return work()
    }
    return this.#alone(() =>
      onAll().catch((error: unknown) => {
        if (!isDamagedIndex(error)) throw error
        this.#startOver('its file is damaged')
        return onAll()
      }),
    )
  }

  /** A log in memory drops its oldest segments: their events are not kept longer. */
  async #forgetDropped(): Promise<void> {
    const { files } = this.#options
    const [oldest] = await segmentNumbers(files)
    if (oldest === undefined || oldest <= this.#oldestSegment) return
    const { header, file } = await openSegment(files, oldest, 'read')
    await file.close()
    if (header === undefined) return
    const { db, writer } = this.#open()
    forgetBelow(db, header.firstSequence)
    writer.refresh()
    this.#oldestSegment = oldest
  }

  #open(): Opened {
    if (this.#opened === undefined) {
      const { file, nodeId, sizes = INDEX_SIZES } = this.#options
      const db = openIndexFile(file, nodeId)
      this.#opened = {
        db,
        writer: new IndexWriter(db, sizes),
        pages: new IndexPages(db, sizes),
        counts: new IndexCounts(db, sizes),
      }
      this.#mark = readMark(db)?.log
      this.#isMarkChecked = false
    }
    return this.#opened
  }

  #startOver(why: string): void {
    this.#options.log.warn({ why }, 'the index of the audit log is made anew')
    this.#discard()
  }

  #discard(): void {
    this.#closeFile()
    removeIndexFile(this.#options.file)
    this.#rebuilds += 1
  }

  #closeFile(): void {
    this.#opened?.db.close()
    this.#opened = undefined
    this.#mark = undefined
  }

  /** Takes in one batch. @returns whether there may be more */
  async #catchUpOnce(): Promise<boolean> {
    try {
      return await this.#takeBatch()
    } catch (error) {
      if (!isDamagedIndex(error)) throw error
      this.#startOver('its file is damaged')
      return true
    }
  }

  async #takeBatch(): Promise<boolean> {
    const { files, nodeId, head } = this.#options
    const { writer, db } = this.#open()
    if (!this.#isMarkChecked) {
      if (this.#mark !== undefined && !(await isMarkOf(files, this.#mark, nodeId))) {
        this.#startOver('the log is not the one that it was made from')
        return true
      }
      this.#isMarkChecked = true
    }
    const before = this.#mark
    const { frames, mark } = await this.#nextFrames(before, head?.())
    if (mark === undefined) return false
    const started = this.#options.steadyMs()
    const isAppended = writer.append(frames, before, mark)
    this.#mark = isAppended ? mark : readMark(db)?.log
    this.#isMarkChecked = isAppended
    this.#lastBatchFrames = frames.length
    this.#lastBatchMs = this.#options.steadyMs() - started
    this.#options.onBatch?.()
    return true
  }

  async #nextFrames(
    after: LogMark | undefined,
    to: number | undefined,
  ): Promise<{ readonly frames: readonly ReadFrame[]; readonly mark: LogMark | undefined }> {
    const frames: ReadFrame[] = []
    let mark: LogMark | undefined
    let units = 0
    const batches = followLog(this.#options.files, {
      after,
      ...(to !== undefined && { to }),
      onDamage: (damage) => this.#tell(damage),
    })
    for await (const batch of batches) {
      frames.push(...batch.frames)
      mark = batch.mark
      units += batch.frames.reduce((sum, { text }) => sum + text.length, 0)
      if (frames.length >= BATCH_FRAMES_MAX || units >= BATCH_UNITS_MAX) break
    }
    return { frames, mark }
  }

  /** Once for each place: those who guard the log tell of it, too. */
  #tell({ file = '', offset, what }: AuditDamage): void {
    const place = `${file}:${offset}`
    if (place === this.#toldDamage) return
    this.#toldDamage = place
    this.#options.log.warn(
      { file, offset, what },
      'events of a damaged place of the log are not found',
    )
  }

  async #page(query: EventPageQuery): Promise<EventPage> {
    const events: FoundEvent[] = []
    let lastId: number | undefined
    for (const row of this.#open().pages.rows(query)) {
      const found = await this.#found(row, query)
      if (found === undefined) continue
      if (events.length === query.limit) {
        return { events, next: pageToken(query.order, lastId ?? row.id) }
      }
      events.push(found)
      lastId = row.id
    }
    return { events }
  }

  /** The event itself; undefined where it is gone from the log, or is another one than its hash said. */
  async #found(row: EventRow, query: EventPageQuery): Promise<FoundEvent | undefined> {
    const frame = await this.#reader.read(row)
    if (frame === undefined) return undefined
    const text = recordsOf(frame)[row.record]?.text
    if (text === undefined) return undefined
    const time = timeOfId(row.id)
    const isMeant = !needsLooking(query) || matches(factsOf(JSON.parse(text), timeIn(frame)), query)
    return isMeant ? { sequence: row.sequence, record: row.record, time, text } : undefined
  }
}

function timeIn(frame: string): unknown {
  const parsed: unknown = JSON.parse(frame)
  const internal = isJsonObject(parsed) ? parsed['internal'] : undefined
  return isJsonObject(internal) ? internal['time'] : undefined
}

/** An index that lives as long as the process, over a log that does as well and drops its oldest segments. */
export const memoryIndex = (options: Omit<AuditIndexOptions, 'file'>): AuditIndex =>
  new AuditIndex({ ...options, file: IN_MEMORY })
