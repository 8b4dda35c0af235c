import assert from 'node:assert/strict'
import { test } from 'node:test'
import { andThen, type Soon } from './soon.ts'

const next = (value: number): Soon<number> => {
  if (value < 0) throw new RangeError(`${value}`)
  return value + 1
}

test('what is at hand goes on at once, and throws at once', () => {
  assert.equal(andThen(1, next), 2)
  assert.throws(() => andThen(-1, next), RangeError)
})

test('what is not goes on later, and rejects', async () => {
  const later = andThen(Promise.resolve(1), next)
  assert.ok(later instanceof Promise)
  assert.equal(await later, 2)
  await assert.rejects(async () => andThen(Promise.resolve(-1), next), RangeError)
})
