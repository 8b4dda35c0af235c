import { setImmediate as others } from 'node:timers/promises'
import { type Instant, instant } from '../../../core/ids.ts'

/** What the samples of a metric within one period come to. */
export interface Bucket {
  /** Where the period begins. */
  readonly start: Instant
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
}

/** Periods one after the other, from `start` to before `end`. */
export interface Periods {
  readonly start: Instant
  readonly end: Instant
  readonly periodMs: number
}

/** How many events there are from a time to before another, and when the first and the last of them were. */
export type CountBetween = (
  from: Instant,
  to: Instant,
) => Promise<
  { readonly count: number; readonly first: Instant; readonly last: Instant } | undefined
>

/**
 * Counts events by period, oldest first, without those that have none. The span is halved where it holds more
 * than one period with events, so that what hardly ever happens costs a few questions however long the
 * span; other work of the node has its turn between two questions.
 */
export async function countByPeriod(
  count: CountBetween,
  { start, end, periodMs }: Periods,
): Promise<readonly Bucket[]> {
  const found: Bucket[] = []
  const indexOf = (time: Instant): number => Math.floor((time - start) / periodMs)
  const startOf = (index: number): Instant => instant(start + index * periodMs)
  const walk = async (from: number, to: number): Promise<void> => {
    const counted = await count(startOf(from), instant(Math.min(startOf(to), end)))
    await others()
    if (counted === undefined || counted.count === 0) return
    const [first, last] = [indexOf(counted.first), indexOf(counted.last)]
    if (first >= last) {
      const events = counted.count
      found.push({ start: startOf(first), count: events, sum: events, min: 1, max: 1 })
      return
    }
    const middle = first + Math.ceil((last - first + 1) / 2)
    await walk(first, middle)
    await walk(middle, last + 1)
  }
  const periods = Math.ceil((end - start) / periodMs)
  if (periods > 0) await walk(0, periods)
  return found
}

/** The buckets of samples with times; in the order of time. */
export function bucketsOf(
  times: readonly Instant[],
  { start, end, periodMs }: Periods,
): readonly Bucket[] {
  const counts = new Map<number, number>()
  for (const time of times) {
    if (time < start || time >= end) continue
    const at = start + Math.floor((time - start) / periodMs) * periodMs
    counts.set(at, (counts.get(at) ?? 0) + 1)
  }
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([at, count]) => ({ start: instant(at), count, sum: count, min: 1, max: 1 }))
}
