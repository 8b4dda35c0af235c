import { type Instant, instant } from '../../core/ids.ts'
import type { Bucket, Periods } from './metrics/buckets.ts'
import type { DimensionValues } from './metrics/metric-source.ts'
import type { Dimension, Statistic } from './model.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** Periods below a minute that there are. Unit: seconds. */
const SHORT_PERIODS: readonly number[] = [1, 5, 10, 30]

/** Source: Amazon CloudWatch API Reference, GetMetricStatistics, Period. */
export const isPeriod = (seconds: number): boolean =>
  SHORT_PERIODS.includes(seconds) || (seconds > 0 && seconds % 60 === 0)

/**
 * How exactly a start is meant, by its age. Unit: milliseconds.
 * Source: Amazon CloudWatch API Reference, GetMetricStatistics, StartTime.
 */
function startPrecision(ageMs: number, periodMs: number): number {
  if (periodMs < MINUTE_MS) return periodMs
  if (ageMs <= 15 * DAY_MS) return MINUTE_MS
  return ageMs <= 63 * DAY_MS ? 5 * MINUTE_MS : 60 * MINUTE_MS
}

/** The periods of a request: the first of them begins at its start, rounded down. */
export function periodsOf(
  span: { readonly start: Instant; readonly end: Instant; readonly periodSeconds: number },
  now: Instant,
): Periods {
  const periodMs = span.periodSeconds * 1000
  const precision = startPrecision(now - span.start, periodMs)
  const start = instant(Math.floor(span.start / precision) * precision)
  return { start, end: span.end, periodMs }
}

export const STATISTICS: ReadonlyMap<string, (bucket: Bucket) => number> = new Map<
  Statistic,
  (bucket: Bucket) => number
>([
  ['SampleCount', ({ count }) => count],
  ['Average', ({ sum, count }) => sum / count],
  ['Sum', ({ sum }) => sum],
  ['Minimum', ({ min }) => min],
  ['Maximum', ({ max }) => max],
])

/** Dimensions by name; undefined where a name stands twice. */
export function dimensionValues(dimensions: readonly Dimension[]): DimensionValues | undefined {
  // The names are the client's: without a prototype `constructor` is a name like any other.
  const values: Record<string, string> = Object.create(null)
  for (const { Name, Value } of dimensions) {
    if (Name in values) return undefined
    values[Name] = Value
  }
  return values
}
