import { type Instant, instant } from '../../core/ids.ts'

/**
 * An event's number in the index orders it by time, and within a millisecond by its place in the log: so a list of
 * numbers is a list in the order in which events are shown, and a range of times is a range of numbers.
 */

/** Numbers that one millisecond has; further events take those of the next one. */
export const IDS_PER_MS = 1024
/** 2020-01-01T00:00:00Z. Times around it by 278 years have numbers that a double holds exactly. */
const ORIGIN_MS = 1_577_836_800_000
const SPAN_MS = 2 ** 42
const DAY_MS = 86_400_000

/** The first number of a millisecond. */
export const firstIdOf = (time: number): number =>
  Math.min(Math.max(Math.floor(time) - ORIGIN_MS, -SPAN_MS), SPAN_MS) * IDS_PER_MS

/** When the event of a number was. */
export const timeOfId = (id: number): Instant => instant(Math.floor(id / IDS_PER_MS) + ORIGIN_MS)

/** The day of a number, in days since the Unix epoch, UTC. */
export const dayOfId = (id: number): number => Math.floor(timeOfId(id) / DAY_MS)

export const firstIdOfDay = (day: number): number => firstIdOf(day * DAY_MS)

/** `2026-01-31` */
export const dayText = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10)
