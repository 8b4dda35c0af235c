import { type Instant, instant } from './ids.ts'

export const HOUR_MS = 3_600_000

/** The full hour at or before a time. */
export const floorHour = (time: Instant): Instant => instant(Math.floor(time / HOUR_MS) * HOUR_MS)
