import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import fc from 'fast-check'
import { type Instant, instant } from '../../../core/ids.ts'
import { type Bucket, bucketsOf, type CountBetween, countByPeriod } from './buckets.ts'

/** Counts given times, and how often it was asked. */
function counterOf(times: readonly number[]): { count: CountBetween; asked: () => number } {
  let asked = 0
  return {
    asked: () => asked,
    count: (from, to) => {
      asked++
      const found = times.filter((time) => time >= from && time < to)
      return Promise.resolve(
        found.length === 0
          ? undefined
          : {
              count: found.length,
              first: instant(Math.min(...found)),
              last: instant(Math.max(...found)),
            },
      )
    },
  }
}

const shown = (buckets: readonly Bucket[]): string[] =>
  buckets.map(({ start, count }) => `${start}: ${count}`)

describe('events by period', () => {
  test('are counted in their periods, the empty ones left out', async () => {
    const { count } = counterOf([100, 105, 199, 300, 450, 499])
    const periods = { start: instant(100), end: instant(500), periodMs: 100 }
    assert.deepEqual(shown(await countByPeriod(count, periods)), ['100: 3', '300: 1', '400: 2'])
  })

  test('are those of looking at every one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 2000 })),
        fc.integer({ min: 0, max: 1000 }),
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 1, max: 300 }),
        async (times, from, length, periodMs) => {
          const periods = { start: instant(from), end: instant(from + length), periodMs }
          assert.deepEqual(
            await countByPeriod(counterOf(times).count, periods),
            bucketsOf(
              times.map((time): Instant => instant(time)),
              periods,
            ),
          )
        },
      ),
      { numRuns: 50 },
    )
  })

  test('cost few questions where there are few', async () => {
    const { count, asked } = counterOf([5_000_000, 77_000_000])
    const periods = { start: instant(0), end: instant(86_400_000), periodMs: 60_000 }
    assert.equal((await countByPeriod(count, periods)).length, 2)
    assert.ok(asked() <= 5, `${asked()} questions`)
  })
})
