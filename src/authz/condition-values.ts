const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$/
/** Up to the largest of 64 bits; four digits are a year. */
const EPOCH_SECONDS = /^(?!\d{4}$)\d{1,19}(?:\.\d{1,9})?$/
const EPOCH_SECONDS_MAX = 2 ** 63
/** The W3C's forms of ISO 8601, and what IAM takes besides: fewer digits, years before Christ, no zone. */
const DATE =
  /^(?<year>-?\d{1,9})(?:-(?<month>\d{1,2})(?:-(?<day>\d{1,2}))?)?(?:t(?:(?<hour>\d{1,2})(?::(?<minute>\d{1,2})(?::(?<second>\d{1,2})(?:\.(?<fraction>\d{1,9}))?)?)?(?<zone>z|[+-]\d\d(?::?\d\d)?)?)?)?$/
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const MINUTE_MS = 60_000

/** A decimal number, or undefined for text that is none. */
export const parseNumber = (text: string): number | undefined =>
  DECIMAL.test(text) ? Number(text) : undefined

/**
 * Milliseconds since the Unix epoch of a date in a form of ISO 8601, or of seconds since the epoch;
 * undefined for other text. Four digits are a year, a time without zone is UTC.
 * Source: https://www.w3.org/TR/NOTE-datetime
 */
export function parseDate(text: string): number | undefined {
  if (EPOCH_SECONDS.test(text)) {
    return Number(text) < EPOCH_SECONDS_MAX ? Number(text) * 1000 : undefined
  }
  const parts = DATE.exec(text.toLowerCase())?.groups
  if (parts === undefined) return undefined
  const number = (name: string, otherwise: number): number => Number(parts[name] ?? otherwise)
  const dayMs = midnightMs(number('year', 0), number('month', 1), number('day', 1))
  const [hour, minute, second] = [number('hour', 0), number('minute', 0), number('second', 0)]
  const offsetMs = zoneOffsetMs(parts['zone'] ?? 'z')
  if (hour > 23 || minute > 59 || second > 59) return undefined
  if (dayMs === undefined || offsetMs === undefined) return undefined
  const seconds = hour * 3600 + minute * 60 + second + Number(`0.${parts['fraction'] ?? '0'}`)
  return dayMs + seconds * 1000 - offsetMs
}

function midnightMs(year: number, month: number, day: number): number | undefined {
  const midnight = new Date(0)
  // Not Date.UTC, which takes the years 0 to 99 for those of the last century.
  midnight.setUTCFullYear(year, month - 1, day)
  // Years beyond what a Date holds are before or after everything.
  if (Number.isNaN(midnight.getTime())) return year < 0 ? -Infinity : Infinity
  // The 30th of February would be a day in March.
  const isOfMonth = midnight.getUTCMonth() === month - 1 && midnight.getUTCDate() === day
  return isOfMonth ? midnight.getTime() : undefined
}

function zoneOffsetMs(zone: string): number | undefined {
  if (zone === 'z') return 0
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3).replace(':', ''))]
  if (hours > 23 || minutes > 59) return undefined
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * MINUTE_MS
}

/** Whether a text is a date that a policy may compare with. */
export const isDateText = (text: string): boolean => parseDate(text) !== undefined

/** The bytes of base64 text, as a text of one character each; undefined for other text. */
export const parseBinary = (text: string): string | undefined =>
  BASE64.test(text) ? atob(text) : undefined

/** True or false, however it is written; undefined for other text. */
export function parseBool(text: string): boolean | undefined {
  const lower = text.toLowerCase()
  return lower === 'true' ? true : lower === 'false' ? false : undefined
}
