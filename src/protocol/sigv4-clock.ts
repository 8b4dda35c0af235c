import { badDate, expired, notYetCurrent } from './sigv4-errors.ts'

const BASIC_ISO = /^\d{8}T\d{6}Z$/

/** Milliseconds since the epoch of `20150830T123600Z`; undefined for any other form or no real time. */
export function parseBasicIso(text: string): number | undefined {
  if (!BASIC_ISO.test(text)) return undefined
  const time = Date.UTC(
    Number(text.slice(0, 4)),
    Number(text.slice(4, 6)) - 1,
    Number(text.slice(6, 8)),
    Number(text.slice(9, 11)),
    Number(text.slice(11, 13)),
    Number(text.slice(13, 15)),
  )
  // Date.UTC carries 31 February over into March: only a real time reads back the same.
  return formatBasicIso(time) === text ? time : undefined
}

/** Milliseconds since the epoch as `20150830T123600Z`, fractions cut off. */
export const formatBasicIso = (time: number): string =>
  `${new Date(time).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`

/** When a signature holds, all in milliseconds. */
export interface Validity {
  readonly now: number
  /** How long before `now` it may have been made. */
  readonly ageMaxMs: number
  /** How far ahead of us the signer's clock may be. */
  readonly leadMaxMs: number
}

/** The time in `timestamp`, or undefined when it is no basic ISO 8601 time. */
export type ReadTime = (timestamp: string) => number | undefined

/** @throws {ServiceError} IncompleteSignatureException, InvalidSignatureException */
export function assertCurrent(timestamp: string, readTime: ReadTime, validity: Validity): void {
  const { now, ageMaxMs, leadMaxMs } = validity
  const signedAt = readTime(timestamp)
  if (signedAt === undefined) throw badDate(timestamp)
  if (signedAt < now - ageMaxMs) throw expired(facts(timestamp, now, -ageMaxMs))
  if (signedAt > now + leadMaxMs) throw notYetCurrent(facts(timestamp, now, leadMaxMs))
}

const facts = (signedAt: string, now: number, offsetMs: number) => ({
  signedAt,
  limit: formatBasicIso(now + offsetMs),
  now: formatBasicIso(now),
  window: windowText(Math.abs(offsetMs)),
})

const windowText = (ms: number): string =>
  ms % 60_000 === 0 ? `${ms / 60_000} min.` : `${ms / 1000} sec.`
