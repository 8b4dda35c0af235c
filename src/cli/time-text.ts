import { InvalidArgumentError } from 'commander'

/** A time as people write it: a moment, or a period with a beginning and an end. Unit: milliseconds since the epoch. */
export interface TimeText {
  /** What `--since` means by it. */
  start(now: number): number
  /** What `--until` means by it: of a period its end. */
  end(now: number): number
}

const HOUR_MS = 3_600_000
const UNITS_MS: ReadonlyMap<string, number> = new Map([
  ['m', 60_000],
  ['h', HOUR_MS],
  ['d', 24 * HOUR_MS],
  ['w', 168 * HOUR_MS],
])

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/
const AGO = /^(\d{1,6})([mhdw])$/
const PERIOD = /^(this|last) (day|week|month|year)$/
const DATE = /^(\d{4})-(\d\d)(-(\d\d))?$/

const FORMS =
  'must be a time such as 2026-01-31T09:00:00Z, a day or month such as 2026-01, a duration such as 24h or 30d, or today, yesterday, last week, last month'

/** Of a year, month or week, in UTC; `steps` says which one, 0 for the one that `now` is in. */
function period(unit: string, now: number, steps: number): number {
  const date = new Date(now)
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()]
  if (unit === 'year') return Date.UTC(year + steps, 0)
  if (unit === 'month') return Date.UTC(year, month + steps)
  // A week begins on Monday. Source: ISO 8601.
  const behind = unit === 'week' ? (date.getUTCDay() + 6) % 7 : 0
  return Date.UTC(year, month, day - behind + steps * (unit === 'week' ? 7 : 1))
}

const ofPeriod = (unit: string, steps: number): TimeText => ({
  start: (now) => period(unit, now, steps),
  end: (now) => period(unit, now, steps + 1),
})

const ofMoment = (moment: (now: number) => number): TimeText => ({ start: moment, end: moment })

function ofDate(year: number, month: number, day: number | undefined): TimeText | undefined {
  const start = Date.UTC(year, month - 1, day ?? 1)
  const date = new Date(start)
  // `2026-02-31` would be a day of March.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== (day ?? 1)) return undefined
  return ofPeriodAt(start, day === undefined ? 'month' : 'day')
}

const ofPeriodAt = (start: number, unit: string): TimeText => ({
  start: () => start,
  end: () => period(unit, start, 1),
})

/** @throws InvalidArgumentError */
export function parseTimeText(text: string): TimeText {
  const parsed = findTimeText(text.trim())
  if (parsed === undefined) throw new InvalidArgumentError(FORMS)
  return parsed
}

function findTimeText(text: string): TimeText | undefined {
  if (text === 'today') return ofPeriod('day', 0)
  if (text === 'yesterday') return ofPeriod('day', -1)
  const [, which, unit = ''] = PERIOD.exec(text) ?? []
  if (which !== undefined) return ofPeriod(unit, which === 'this' ? 0 : -1)
  const [, number, short = ''] = AGO.exec(text) ?? []
  if (number !== undefined) {
    const ms = Number(number) * (UNITS_MS.get(short) ?? 0)
    return ofMoment((now) => now - ms)
  }
  const [, year, month, , day] = DATE.exec(text) ?? []
  if (year !== undefined) {
    return ofDate(Number(year), Number(month), day === undefined ? undefined : Number(day))
  }
  const moment = MOMENT.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(moment) ? undefined : ofMoment(() => moment)
}
