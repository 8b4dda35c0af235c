import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { keptFailures } from '../../../test/support/kept-failures.ts'
import { watchFreshness } from './freshness-watch.ts'

describe('the operator of a node that shares its store', () => {
  test('reads once that requests are refused, and once that they are served again', async () => {
    const told: string[] = []
    const tell = (_fields: object, message: string): number => told.push(message)
    const log = { ...keptFailures(), error: tell, warn: tell }
    // Whether it is fresh at each look; the last one holds from then on.
    const looks = [true, false, false, true, false, false, false, false, true]
    let at = 0
    const isFresh = (): boolean => looks[Math.min(at++, looks.length - 1)] ?? false
    const watch = watchFreshness({ isFresh, whenFresh: async () => false }, log, 1)
    while (at < looks.length + 3) await delay(1)
    await watch.stop()
    assert.deepEqual(told, [
      'the store does not answer: requests are refused until it does',
      'the store answers again: requests are served',
    ])
    const looked = at
    await delay(10)
    assert.equal(at, looked)
  })
})
