const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$/
const EPOCH_SECONDS = /^[+-]?\d{5,15}(?:\.\d{1,9})?$/
const W3C_DATE =
  /^(?<year>\d{4})(?:-(?<month>\d\d)(?:-(?<day>\d\d)(?:T(?<hour>\d\d):(?<minute>\d\d)(?::(?<second>\d\d)(?:\.(?<fraction>\d{1,9}))?)?(?<zone>Z|[+-]\d\d:\d\d))?)?)?$/
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const MINUTE_MS = 60_000

/** A decimal number, or undefined for text that is none. */
export const parseNumber = (text: string): number | undefined =>
  DECIMAL.test(text) ? Number(text) : undefined

/**
 * Milliseconds since the Unix epoch of a date in one of the W3C's forms of ISO 8601, or of seconds since
 * the epoch; undefined for other text. Four digits are a year.
 * Source: https://www.w3.org/TR/NOTE-datetime
 */
export function parseDate(text: string): number | undefined {
  if (EPOCH_SECONDS.test(text)) return Number(text) * 1000
  const parts = W3C_DATE.exec(text)?.groups
  if (parts === undefined) return undefined
  const number = (name: string, otherwise: number): number => Number(parts[name] ?? otherwise)
  const [year, month, day] = [number('year', 0), number('month', 1), number('day', 1)]
  const [hour, minute, second] = [number('hour', 0), number('minute', 0), number('second', 0)]
  if (hour > 23 || minute > 59 || second > 59) return undefined
  const offsetMs = zoneOffsetMs(parts['zone'] ?? 'Z')
  if (offsetMs === undefined) return undefined
  const midnight = new Date(0)
  // Not Date.UTC, which takes the years 0 to 99 for those of the last century.
  midnight.setUTCFullYear(year, month - 1, day)
  // The 30th of February would be a day in March.
  if (midnight.getUTCMonth() !== month - 1 || midnight.getUTCDate() !== day) return undefined
  const seconds = hour * 3600 + minute * 60 + second + Number(`0.${parts['fraction'] ?? '0'}`)
  return midnight.getTime() + seconds * 1000 - offsetMs
}

function zoneOffsetMs(zone: string): number | undefined {
  if (zone === 'Z') return 0
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4, 6))]
  if (hours > 23 || minutes > 59) return undefined
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * MINUTE_MS
}

/** The bytes of base64 text, as a text of one character each; undefined for other text. */
export const parseBinary = (text: string): string | undefined =>
  BASE64.test(text) ? atob(text) : undefined

/** True or false, however it is written; undefined for other text. */
export function parseBool(text: string): boolean | undefined {
  const lower = text.toLowerCase()
  return lower === 'true' ? true : lower === 'false' ? false : undefined
}
