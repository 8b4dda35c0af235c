import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { EventFilter, EventPageQuery } from '../../core/audit-search.ts'
import { OperatorError } from '../../core/errors.ts'
import { firstIdOf } from './event-ids.ts'
import {
  type EventStream,
  intersectStreams,
  type LaterStream,
  listStream,
  mergeStreams,
  PostingReader,
} from './event-streams.ts'
import { type Condition, type FilterSql, filterSql, principalKind } from './filter-sql.ts'
import type { IndexSizes } from './index-schema.ts'
import { comboList, hashedList, sessionList } from './posting-lists.ts'

/** One of so many events must have been wanted for the scan to go on. */
const SCAN_WORTH = 20

/** Where an event stands in the index and in the log. */
export interface EventRow {
  readonly id: number
  readonly sequence: number
  readonly record: number
  readonly segment: number
  readonly offset: number
}

/** The numbers that a query is about: both inclusive. */
export interface IdRange {
  readonly first: number
  readonly last: number
}

/** The numbers of a range of times. */
export const idRangeOf = ({ from, to }: Pick<EventFilter, 'from' | 'to'>): IdRange => ({
  first: from === undefined ? Number.MIN_SAFE_INTEGER : firstIdOf(Math.ceil(from)),
  last: to === undefined ? Number.MAX_SAFE_INTEGER : firstIdOf(Math.ceil(to)) - 1,
})

const TOKEN = /^([no])(-?\d{1,16})$/

/** @throws {OperatorError} for what is no mark of a page in this order */
function afterToken({ after, order }: EventPageQuery): number | undefined {
  if (after === undefined) return undefined
  const match = TOKEN.exec(Buffer.from(after, 'base64url').toString('latin1'))
  if (match === null || match[1] !== order.charAt(0)) {
    throw new OperatorError('that does not say where a page of events ends')
  }
  return Number(match[2])
}

/** What `after` of the next page is. */
export const pageToken = (order: EventPageQuery['order'], id: number): string =>
  Buffer.from(`${order.charAt(0)}${id}`, 'latin1').toString('base64url')

/** Lists in which each event must be, as the log alone can say for certain. */
function hashedLists(filter: EventFilter): number[] {
  return [
    ...(filter.eventId === undefined ? [] : [hashedList('event-id', filter.eventId)]),
    ...(filter.requestId === undefined ? [] : [hashedList('request-id', filter.requestId)]),
    ...Object.entries(filter.encryptionContext ?? {}).map(([name, value]) =>
      hashedList('context', value, name),
    ),
  ]
}

/** Whether what the index finds must be looked at in the log. */
export const needsLooking = (filter: EventFilter): boolean => hashedLists(filter).length > 0

/**
 * Finds the events of a page, in order. A filter that many events meet is answered by looking at one event after the
 * other; any other by its lists.
 */
export class IndexPages {
  readonly #db: DatabaseSync
  readonly #sizes: IndexSizes
  readonly #readers: Readonly<Record<EventPageQuery['order'], PostingReader>>

  constructor(db: DatabaseSync, sizes: IndexSizes) {
    this.#db = db
    this.#sizes = sizes
    this.#readers = {
      'newest-first': new PostingReader(db, 'newest-first'),
      'oldest-first': new PostingReader(db, 'oldest-first'),
    }
  }

  /**
   * Every event that meets the filter, from the page's start on, as far as the index can tell.
   * @throws {OperatorError} for a mark of a page that is none
   */
  *rows(query: EventPageQuery): Generator<EventRow, void, undefined> {
    const range = rangeBehind(query, afterToken(query))
    const sql = filterSql(query, principalKind(this.#db, query))
    const hashed = hashedLists(query)
    const isByLists = hashed.length > 0 || this.#hasFewLists(sql)
    const rest = isByLists ? range : yield* this.#scan(query, range, sql)
    if (rest === undefined) return
    const sign = query.order === 'newest-first' ? -1 : 1
    const stream = this.#stream(query, sql, hashed)
    const find = this.#finder(sql)
    const end = sign === 1 ? rest.last : -rest.first
    for (let at = sign === 1 ? rest.first : -rest.last; ; ) {
      const position = stream.seek(at)
      if (position === undefined || position > end) return
      const row = find(position * sign)
      if (row !== undefined) yield row
      at = position + 1
    }
  }

  /** All frames that may be of a request, newest first, whether they have a record or not. */
  *framesOf(requestId: string): Generator<EventRow, void, undefined> {
    const list = hashedList('request-id', requestId)
    const stream = this.#stream({ order: 'newest-first' }, NO_CONDITIONS, [list])
    const find = this.#db.prepare(`SELECT ${ROW} FROM event e WHERE e.id = ?`)
    let position = stream.seek(Number.MIN_SAFE_INTEGER)
    while (position !== undefined) {
      const row = find.get(-position)
      if (row !== undefined) yield rowOf(row)
      position = stream.seek(position + 1)
    }
  }

  /** @returns the range that is left to be searched otherwise; undefined where nothing is */
  *#scan(
    { order }: EventPageQuery,
    range: IdRange,
    sql: FilterSql,
  ): Generator<EventRow, IdRange | undefined, undefined> {
    const { scanRows } = this.#sizes
    const hasLists = sql.combo !== undefined || sql.session !== undefined
    const direction = order === 'newest-first' ? 'DESC' : 'ASC'
    const within = `SELECT * FROM event WHERE id >= ? AND id <= ? ORDER BY id ${direction} LIMIT ${scanRows}`
    const { joins, where, values } = joined(sql)
    const find = this.#db.prepare(
      `SELECT ${ROW} FROM (${within}) e ${joins} WHERE ${where} ORDER BY e.id ${direction}`,
    )
    const measure = this.#db.prepare(
      `SELECT count(*) AS rows, min(id) AS first, max(id) AS last FROM (${within})`,
    )
    let rest = range
    for (;;) {
      const seen = measure.get(rest.first, rest.last)
      const found = find.all(rest.first, rest.last, ...values)
      for (const row of found) yield rowOf(row)
      if (Number(seen?.['rows']) < scanRows) return undefined
      rest =
        order === 'newest-first'
          ? { ...rest, last: Number(seen?.['first']) - 1 }
          : { ...rest, first: Number(seen?.['last']) + 1 }
      // Where nothing is asked there is no list either: what has no record is passed over here.
      if (hasLists && found.length * SCAN_WORTH < scanRows) return rest
    }
  }

  #stream(
    { order }: Pick<EventPageQuery, 'order'>,
    sql: FilterSql,
    hashed: readonly number[],
  ): EventStream {
    const sign = order === 'newest-first' ? -1 : 1
    const alternatives = this.#alternatives(sql, hashed.length > 0)
    const chunks = this.#db.prepare('SELECT number, first_id, last_id FROM chunk').all()
    const inChunk = (chunk: number): EventStream => {
      const list = (each: number) => listStream(this.#readers[order], { chunk, list: each })
      return intersectStreams([
        ...hashed.map(list),
        ...alternatives.map((lists) =>
          mergeStreams(
            lists.map((each) => ({ from: Number.MIN_SAFE_INTEGER, open: () => list(each) })),
          ),
        ),
      ])
    }
    return mergeStreams(
      chunks.map(
        (chunk): LaterStream => ({
          from: sign === 1 ? Number(chunk['first_id']) : -Number(chunk['last_id']),
          open: () => inChunk(Number(chunk['number'])),
        }),
      ),
    )
  }

  /** Whether some part of the filter leaves so few lists that nothing is gained by looking at other events. */
  #hasFewLists({ session, combo }: FilterSql): boolean {
    const limit = this.#sizes.intersectedLists
    const isFew = (table: 'session' | 'combo', condition: Condition | undefined): boolean =>
      condition !== undefined && this.#ids(table, condition, limit + 1).length <= limit
    return isFew('session', session) || isFew('combo', combo)
  }

  /** For each part of the filter the lists of which an event must be in one; parts that only cost are left out. */
  #alternatives(sql: FilterSql, areOthers: boolean): readonly (readonly number[])[] {
    const lists = [
      sql.session === undefined ? undefined : this.#ids('session', sql.session).map(sessionList),
      sql.combo === undefined ? undefined : this.#ids('combo', sql.combo).map(comboList),
    ].filter((each) => each !== undefined)
    lists.sort((a, b) => a.length - b.length)
    // Every event that is found is still asked whether it meets the conditions.
    return lists.filter(
      (each, index) => (index === 0 && !areOthers) || each.length <= this.#sizes.intersectedLists,
    )
  }

  /** @param limit at most so many; all where it is negative, as SQLite has it */
  #ids(table: 'session' | 'combo', { sql, values }: Condition, limit = -1): number[] {
    const select = `SELECT id FROM ${table} WHERE ${sql} LIMIT ?`
    const rows = this.#db.prepare(select).all(...values, limit)
    return rows.map((row) => Number(row['id']))
  }

  #finder(sql: FilterSql): (id: number) => EventRow | undefined {
    const { joins, where, values } = joined(sql)
    const statement: StatementSync = this.#db.prepare(
      `SELECT ${ROW} FROM event e ${joins} WHERE e.id = ? AND ${where}`,
    )
    return (id) => {
      const row = statement.get(id, ...values)
      return row && rowOf(row)
    }
  }
}

const NO_CONDITIONS: FilterSql = { combo: undefined, session: undefined }

const ROW = 'e.id, e.sequence, e.record, e.segment, e.offset'

const rowOf = (row: Record<string, unknown>): EventRow => ({
  id: Number(row['id']),
  sequence: Number(row['sequence']),
  record: Number(row['record']),
  segment: Number(row['segment']),
  offset: Number(row['offset']),
})

/** The conditions as joins to events `e`, in this order: the planner is not to begin with combinations. */
function joined({ combo, session }: FilterSql) {
  const joins = [
    ...(combo === undefined ? [] : ['CROSS JOIN combo ON combo.id = e.combo']),
    ...(session === undefined ? [] : ['CROSS JOIN session ON session.id = e.session']),
  ]
  const parts = [combo, session].filter((each) => each !== undefined)
  return {
    joins: joins.join(' '),
    where: ['e.record >= 0', ...parts.map(({ sql }) => sql)].join(' AND '),
    values: parts.flatMap(({ values }) => values),
  }
}

function rangeBehind(query: EventPageQuery, after: number | undefined): IdRange {
  const range = idRangeOf(query)
  if (after === undefined) return range
  return query.order === 'newest-first'
    ? { ...range, last: Math.min(range.last, after - 1) }
    : { ...range, first: Math.max(range.first, after + 1) }
}
