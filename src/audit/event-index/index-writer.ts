import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { isJsonObject } from '../../core/strict-json.ts'
import type { LogMark } from '../segments/follow-log.ts'
import type { ReadFrame } from '../segments/read-frames.ts'
import { type EventFacts, factsOf } from './event-facts.ts'
import { dayOfId, firstIdOf, IDS_PER_MS } from './event-ids.ts'
import { readMark } from './index-file.ts'
import { IndexNames } from './index-names.ts'
import type { IndexSizes } from './index-schema.ts'
import { comboList, hashedList, sessionList } from './posting-lists.ts'

/** In place of a record's number: a request that left a frame and no record. */
export const NO_RECORD = -1

interface Chunk {
  number: number
  events: number
  firstId: number
  lastId: number
  firstSequence: number
  lastSequence: number
}

interface DayCount {
  readonly day: number
  readonly combo: number
  count: number
  first: number
  last: number
}

type Posting = readonly [chunk: number, list: number, event: number]

/** Adds frames to an index, batch by batch: a batch and the mark behind it are one transaction. */
export class IndexWriter {
  readonly #db: DatabaseSync
  readonly #names: IndexNames
  readonly #addEvent: StatementSync
  readonly #addPosting: StatementSync
  readonly #addCount: StatementSync
  readonly #setChunk: StatementSync
  readonly #setMark: StatementSync
  readonly #lastIdWithin: StatementSync
  readonly #chunkEvents: number
  #chunk: Chunk | undefined
  #chunksChanged = new Set<Chunk>()
  #newestId = Number.NEGATIVE_INFINITY
  #postings: Posting[] = []
  #counts = new Map<string, DayCount>()

  constructor(db: DatabaseSync, { chunkEvents }: Pick<IndexSizes, 'chunkEvents'>) {
    this.#db = db
    this.#chunkEvents = chunkEvents
    this.#names = new IndexNames(db)
    this.#addEvent = db.prepare('INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)')
    this.#addPosting = db.prepare('INSERT OR IGNORE INTO posting VALUES (?, ?, ?)')
    this.#addCount = db.prepare(`INSERT INTO day_count VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (day, combo) DO UPDATE SET count = count + excluded.count,
        first = min(first, excluded.first), last = max(last, excluded.last)`)
    this.#setChunk = db.prepare('INSERT OR REPLACE INTO chunk VALUES (?, ?, ?, ?, ?, ?)')
    this.#setMark = db.prepare('UPDATE mark SET log_mark = ?, sequence = ?')
    this.#lastIdWithin = db.prepare('SELECT max(id) AS id FROM event WHERE id >= ? AND id < ?')
  }

  /**
   * Adds the frames behind `before`. All of it, or nothing.
   * @returns false, and nothing changed, where another process has moved the mark meanwhile
   */
  append(frames: readonly ReadFrame[], before: LogMark | undefined, after: LogMark): boolean {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      const moved = (readMark(this.#db)?.log?.sequence ?? 0) !== (before?.sequence ?? 0)
      if (!moved) this.#addAll(frames, after)
      this.#db.exec(moved ? 'ROLLBACK' : 'COMMIT')
      if (moved) this.refresh()
      return !moved
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      this.refresh()
      throw error
    }
  }

  /** Forgets all that it remembers of the file, which was changed by others. */
  refresh(): void {
    this.#names.forget()
    this.#chunk = undefined
    this.#newestId = Number.NEGATIVE_INFINITY
    this.#clearBatch()
  }

  #clearBatch(): void {
    this.#chunksChanged.clear()
    this.#postings = []
    this.#counts.clear()
  }

  #addAll(frames: readonly ReadFrame[], after: LogMark): void {
    if (this.#chunk === undefined) this.#load()
    for (const frame of frames) this.#addFrame(frame)
    // In the order of the file, each page is visited once.
    this.#postings.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2])
    for (const posting of this.#postings) this.#addPosting.run(...posting)
    const counts = [...this.#counts.values()].sort((a, b) => a.day - b.day || a.combo - b.combo)
    for (const { day, combo, count, first, last } of counts) {
      this.#addCount.run(day, combo, count, first, last)
    }
    for (const chunk of this.#chunksChanged) {
      const { number, events, firstId, lastId, firstSequence, lastSequence } = chunk
      this.#setChunk.run(number, events, firstId, lastId, firstSequence, lastSequence)
    }
    this.#setMark.run(JSON.stringify(after), after.sequence)
    this.#clearBatch()
  }

  #load(): void {
    const row = this.#db.prepare('SELECT * FROM chunk ORDER BY number DESC LIMIT 1').get()
    this.#chunk = row && {
      number: Number(row['number']),
      events: Number(row['events']),
      firstId: Number(row['first_id']),
      lastId: Number(row['last_id']),
      firstSequence: Number(row['first_sequence']),
      lastSequence: Number(row['last_sequence']),
    }
    const newest = this.#db.prepare('SELECT max(id) AS id FROM event').get()?.['id']
    this.#newestId = typeof newest === 'number' ? newest : Number.NEGATIVE_INFINITY
  }

  #addFrame(frame: ReadFrame): void {
    const parsed: unknown = JSON.parse(frame.text)
    if (!isJsonObject(parsed) || !Array.isArray(parsed['records'])) return
    const internal = isJsonObject(parsed['internal']) ? parsed['internal'] : {}
    const time = internal['time']
    const records: readonly unknown[] = parsed['records']
    for (const [record, value] of records.entries()) {
      this.#addRecord(frame, record, factsOf(value, time))
    }
    const requestId = internal['requestId'] ?? requestIdOfUnlisted(internal['unlisted'])
    if (records.length === 0 && typeof requestId === 'string' && typeof time === 'number') {
      const { chunk, id } = this.#addEventRow(frame, NO_RECORD, time, [0, 0])
      this.#postings.push([chunk, hashedList('request-id', requestId), id])
    }
  }

  #addRecord(frame: ReadFrame, record: number, facts: EventFacts): void {
    const combo = this.#names.combo(facts)
    const session = this.#names.session(facts)
    const { chunk, id } = this.#addEventRow(frame, record, facts.time, [combo, session])
    const lists = [
      comboList(combo),
      sessionList(session),
      hashedList('event-id', facts.eventId),
      ...(facts.requestId === '' ? [] : [hashedList('request-id', facts.requestId)]),
      ...facts.contexts.flatMap((context) =>
        Object.entries(context).map(([name, value]) => hashedList('context', value, name)),
      ),
    ]
    for (const list of lists) this.#postings.push([chunk, list, id])
    this.#count(id, combo)
  }

  #addEventRow(
    { sequence, segment, offset }: ReadFrame,
    record: number,
    time: number,
    [combo, session]: readonly [number, number],
  ): { readonly chunk: number; readonly id: number } {
    const id = this.#nextId(time)
    const chunk = this.#chunkFor(sequence, id)
    this.#addEvent.run(id, combo, session, sequence, record, segment, offset)
    return { chunk, id }
  }

  /** The first free number from a time's own on, behind those of all earlier events of that millisecond. */
  #nextId(time: number): number {
    let start = firstIdOf(time)
    let id = start
    if (start <= this.#newestId) {
      for (;;) {
        const end = start + IDS_PER_MS
        const last = this.#lastIdWithin.get(start, end)?.['id']
        id = typeof last === 'number' ? last + 1 : start
        if (id < end) break
        start = end
      }
    }
    this.#newestId = Math.max(this.#newestId, id)
    return id
  }

  #chunkFor(sequence: number, id: number): number {
    let chunk = this.#chunk
    if (chunk === undefined || chunk.events >= this.#chunkEvents) {
      chunk = {
        number: (chunk?.number ?? 0) + 1,
        events: 0,
        firstId: id,
        lastId: id,
        firstSequence: sequence,
        lastSequence: sequence,
      }
      this.#chunk = chunk
    }
    chunk.events += 1
    chunk.firstId = Math.min(chunk.firstId, id)
    chunk.lastId = Math.max(chunk.lastId, id)
    chunk.lastSequence = sequence
    this.#chunksChanged.add(chunk)
    return chunk.number
  }

  #count(id: number, combo: number): void {
    const day = dayOfId(id)
    const key = `${day}:${combo}`
    const known = this.#counts.get(key)
    if (known === undefined) {
      this.#counts.set(key, { day, combo, count: 1, first: id, last: id })
    } else {
      known.count += 1
      known.first = Math.min(known.first, id)
      known.last = Math.max(known.last, id)
    }
  }
}

const requestIdOfUnlisted = (unlisted: unknown): unknown =>
  isJsonObject(unlisted) ? unlisted['requestID'] : undefined
