import { type Instant, instant } from '../../core/ids.ts'
import { digestKey, logFileKey, signatureFileOf, type TrailPlace } from './trail-format.ts'

/** What the key of a log file says. */
export interface LogFileName {
  readonly place: TrailPlace
  /** When it was delivered, cut to the minute. */
  readonly time: Instant
}

/** What the key of a digest says. */
export interface DigestName {
  readonly place: TrailPlace
  readonly homeRegion: string
  readonly end: Instant
}

const TIME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)?Z$/

/** `20260131T090000Z`, the seconds left out or not. */
function parseCompactTime(text: string): Instant | undefined {
  const parts = TIME.exec(text)
  if (parts === null) return undefined
  const [, year, month, day, hour, minute, second = '00'] = parts
  return parseIsoSeconds(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}

/** `2026-01-31T09:00:00Z`, and nothing else that `Date` would take. */
export function parseIsoSeconds(text: string): Instant | undefined {
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? undefined : instant(time)
}

const nameOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1)

/** Undefined unless the whole key, its folders included, is what a log file of these facts is called. */
export function parseLogFileKey(key: string): LogFileName | undefined {
  const match = /^(\d{12})_CloudTrail_([a-z0-9-]+)_(\w+)_([a-zA-Z0-9]{16})\.json\.gz$/.exec(
    nameOf(key),
  )
  if (match === null) return undefined
  const [, accountId = '', region = '', timeText = '', suffix = ''] = match
  const time = parseCompactTime(timeText)
  if (time === undefined || logFileKey({ accountId, region }, time, suffix) !== key)
    return undefined
  return { place: { accountId, region }, time }
}

/** Undefined unless the whole key, its folders included, is what a digest of these facts is called. */
export function parseDigestKey(key: string): DigestName | undefined {
  const match =
    /^(\d{12})_CloudTrail-Digest_([a-z0-9-]+)_[a-z]+_([a-z0-9-]+)_(\w+)\.json\.gz$/.exec(
      nameOf(key),
    )
  if (match === null) return undefined
  const [, accountId = '', region = '', homeRegion = '', timeText = ''] = match
  const end = parseCompactTime(timeText)
  if (end === undefined || digestKey({ accountId, region }, homeRegion, end) !== key)
    return undefined
  return { place: { accountId, region }, homeRegion, end }
}

const SIGNATURE_END = signatureFileOf('')

/** The key of the digest whose signature this file is; undefined for any other file. */
export const signedKeyOf = (key: string): string | undefined =>
  key.endsWith(SIGNATURE_END) ? key.slice(0, -SIGNATURE_END.length) : undefined
