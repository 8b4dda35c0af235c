import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { EventCount, EventCountsQuery, EventDimension } from '../../core/audit-search.ts'
import { keyIdInArn } from './event-facts.ts'
import { dayOfId, dayText, firstIdOfDay, timeOfId } from './event-ids.ts'
import { type FilterSql, filterSql, principalKind } from './filter-sql.ts'
import { OUTCOMES } from './index-names.ts'
import { type IdRange, idRangeOf } from './index-pages.ts'
import type { IndexSizes } from './index-schema.ts'

/** Of one combination, of one day where days are kept apart. */
interface Tally {
  readonly combo: number
  readonly day: number
  readonly count: number
  readonly first: number
  readonly last: number
}

/** Whole days are read through where the filter leaves one of so many combinations. */
const READ_THROUGH_SHARE = 4

const DAY_MIN = -200_000
const DAY_MAX = 200_000

/** Counts events: of whole days from the sums that are kept, of parts of days from their events. */
export class IndexCounts {
  readonly #db: DatabaseSync
  readonly #sizes: IndexSizes

  constructor(db: DatabaseSync, sizes: IndexSizes) {
    this.#db = db
    this.#sizes = sizes
    db.exec('CREATE TEMP TABLE wanted (combo INTEGER PRIMARY KEY)')
  }

  counts(query: EventCountsQuery): readonly EventCount[] {
    const kind = principalKind(this.#db, query)
    const sql = filterSql(query, kind)
    const range = idRangeOf(query)
    const wanted = this.#want(sql)
    const tallies =
      sql.session === undefined
        ? this.#tallies(range, wanted, query.by.includes('day'))
        : this.#talliesOfSessions(range, sql)
    return this.#grouped(tallies, query)
  }

  /** Notes which combinations the filter leaves. @returns how many there are, of how many */
  #want({ combo }: FilterSql): { readonly count: number; readonly isMost: boolean } {
    const db = this.#db
    db.exec('DELETE FROM temp.wanted')
    const where = combo === undefined ? '' : `WHERE ${combo.sql}`
    const { changes } = db
      .prepare(`INSERT INTO temp.wanted SELECT id FROM combo ${where}`)
      .run(...(combo?.values ?? []))
    const all = Number(db.prepare('SELECT count(*) AS count FROM combo').get()?.['count'])
    return { count: Number(changes), isMost: Number(changes) * READ_THROUGH_SHARE >= all }
  }

  #tallies(
    range: IdRange,
    wanted: { readonly count: number; readonly isMost: boolean },
    byDay: boolean,
  ): Tally[] {
    const firstDay = range.first < firstIdOfDay(DAY_MIN) ? DAY_MIN : dayFrom(range.first)
    const endDay = range.last > firstIdOfDay(DAY_MAX) ? DAY_MAX : dayOfId(range.last + 1)
    const isAsked = wanted.count <= this.#sizes.askedCombos
    const partial = (part: IdRange): Tally[] =>
      isAsked ? this.#ofLists(part) : this.#ofEvents(part)
    if (firstDay >= endDay) return partialDays(range).flatMap(partial)
    const whole = { first: firstIdOfDay(firstDay), last: firstIdOfDay(endDay) - 1 }
    return [
      ...this.#ofDays(firstDay, endDay, { isMost: wanted.isMost, byDay }),
      ...(range.first < whole.first && firstDay > DAY_MIN
        ? partial({ first: range.first, last: whole.first - 1 })
        : []),
      ...(range.last > whole.last && endDay < DAY_MAX
        ? partial({ first: whole.last + 1, last: range.last })
        : []),
    ]
  }

  #ofDays(
    from: number,
    to: number,
    { isMost, byDay }: { readonly isMost: boolean; readonly byDay: boolean },
  ): Tally[] {
    const columns = byDay
      ? 'd.combo, d.day, d.count, d.first, d.last'
      : 'd.combo, 0 AS day, sum(d.count) AS count, min(d.first) AS first, max(d.last) AS last'
    const group = byDay ? '' : 'GROUP BY d.combo'
    if (isMost) {
      return this.#read(
        `SELECT ${columns} FROM day_count d
          WHERE d.day >= ? AND d.day < ? AND d.combo IN (SELECT combo FROM temp.wanted) ${group}`,
        [from, to],
      )
    }
    return this.#read(
      `SELECT ${columns} FROM json_each(?) y CROSS JOIN temp.wanted w
        CROSS JOIN day_count d ON d.day = y.value AND d.combo = w.combo ${group}`,
      [JSON.stringify(this.#days(from, to))],
    )
  }

  /** The days that have events. */
  #days(from: number, to: number): number[] {
    const next = this.#db.prepare(
      'SELECT min(day) AS day FROM day_count WHERE day >= ? AND day < ?',
    )
    const days: number[] = []
    for (let at = from; ; ) {
      const day = next.get(at, to)?.['day']
      if (typeof day !== 'number') return days
      days.push(day)
      at = day + 1
    }
  }

  /** Of a part of one day, from the lists of the combinations. */
  #ofLists({ first, last }: IdRange): Tally[] {
    return this.#read(
      `SELECT w.combo, ${dayOfId(first)} AS day, count(*) AS count, min(p.event) AS first,
          max(p.event) AS last
        FROM chunk k CROSS JOIN temp.wanted w
        CROSS JOIN posting p ON p.chunk = k.number AND p.list = 2 * w.combo
          AND p.event >= ? AND p.event <= ?
        WHERE k.last_id >= ? AND k.first_id <= ? GROUP BY w.combo`,
      [first, last, first, last],
    )
  }

  #ofEvents({ first, last }: IdRange): Tally[] {
    return this.#read(
      `SELECT combo, ${dayOfId(first)} AS day, count(*) AS count, min(id) AS first, max(id) AS last
        FROM event WHERE id >= ? AND id <= ? AND combo IN (SELECT combo FROM temp.wanted)
        GROUP BY combo`,
      [first, last],
    )
  }

  /** One for each event: sessions have no sums, and few events. */
  #talliesOfSessions({ first, last }: IdRange, { session }: FilterSql): Tally[] {
    if (session === undefined) return []
    return this.#read(
      `SELECT e.combo, 0 AS day, 1 AS count, e.id AS first, e.id AS last
        FROM chunk k CROSS JOIN (SELECT id FROM session WHERE ${session.sql}) s
        CROSS JOIN posting p ON p.chunk = k.number AND p.list = 2 * s.id + 1
          AND p.event >= ? AND p.event <= ?
        CROSS JOIN event e ON e.id = p.event
        WHERE k.last_id >= ? AND k.first_id <= ? AND e.combo IN (SELECT combo FROM temp.wanted)`,
      [...session.values, first, last, first, last],
    ).map((tally) => ({ ...tally, day: dayOfId(tally.first) }))
  }

  #read(sql: string, values: readonly (string | number)[]): Tally[] {
    return this.#db
      .prepare(sql)
      .all(...values)
      .map((row) => ({
        combo: Number(row['combo']),
        day: Number(row['day']),
        count: Number(row['count']),
        first: Number(row['first']),
        last: Number(row['last']),
      }))
  }

  #grouped(tallies: readonly Tally[], { by, limit }: EventCountsQuery): readonly EventCount[] {
    const values = new ComboValues(this.#db)
    const groups = new Map<string, { values: readonly string[]; tally: Tally }>()
    for (const tally of tallies) {
      for (const group of values.of(tally, by)) {
        const name = JSON.stringify(group)
        const known = groups.get(name)?.tally
        groups.set(name, {
          values: group,
          tally: known === undefined ? tally : sumOf(known, tally),
        })
      }
    }
    return [...groups]
      .sort(([a, { tally: x }], [b, { tally: y }]) => y.count - x.count || (a < b ? -1 : 1))
      .slice(0, limit)
      .map(([, { values: group, tally }]) => ({
        values: group,
        count: tally.count,
        first: timeOfId(tally.first),
        last: timeOfId(tally.last),
      }))
  }
}

const sumOf = (a: Tally, b: Tally): Tally => ({
  ...a,
  count: a.count + b.count,
  first: Math.min(a.first, b.first),
  last: Math.max(a.last, b.last),
})

/** The first day that lies in a range from this number on as a whole. */
const dayFrom = (id: number): number => {
  const day = dayOfId(id)
  return firstIdOfDay(day) === id ? day : day + 1
}

/** A range that holds no whole day, by days: at most two. */
function partialDays(range: IdRange): IdRange[] {
  if (range.first > range.last) return []
  const next = firstIdOfDay(dayOfId(range.first) + 1)
  if (next > range.last) return [range]
  return [
    { first: range.first, last: next - 1 },
    { first: next, last: range.last },
  ]
}

const text = (column: string, name: string): string =>
  `(SELECT text FROM string s WHERE s.id = ${column}) AS ${name}`

/** What the combinations stand for. */
class ComboValues {
  readonly #find: StatementSync
  readonly #known = new Map<number, Readonly<Record<string, unknown>>>()

  constructor(db: DatabaseSync) {
    this.#find = db.prepare(
      `SELECT outcome, ${text('principal', 'principal')}, ${text('event_name', 'operation')},
        ${text('source_ip', 'source')}, ${text('account', 'account')},
        ${text('resources', 'resources')} FROM combo WHERE id = ?`,
    )
  }

  /** The groups that an event belongs to: one, or one for each key that it used. */
  of({ combo, day }: Tally, by: readonly EventDimension[]): readonly (readonly string[])[] {
    const known = this.#known.get(combo) ?? this.#load(combo)
    const keys = by.includes('key') ? keysOf(String(known['resources'])) : ['']
    return keys.map((key) =>
      by.map((dimension) => {
        if (dimension === 'key') return key
        if (dimension === 'day') return dayText(day)
        if (dimension === 'outcome') return OUTCOMES[Number(known['outcome'])] ?? ''
        return String(known[dimension])
      }),
    )
  }

  #load(combo: number): Readonly<Record<string, unknown>> {
    const row = this.#find.get(combo) ?? {}
    this.#known.set(combo, row)
    return row
  }
}

/** The ARNs of the keys among resources; an empty text where there is none. */
function keysOf(resources: string): readonly string[] {
  const list: unknown = JSON.parse(resources)
  const arns = Array.isArray(list) ? list.map((each: unknown) => arnOf(each)) : []
  const keys = new Set(arns.filter((arn) => keyIdInArn(arn) !== undefined))
  return keys.size === 0 ? [''] : [...keys]
}

const arnOf = (resource: unknown): string => (Array.isArray(resource) ? String(resource[1]) : '')
