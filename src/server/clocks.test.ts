import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instant } from '../core/ids.ts'
import { MovableClock, machineClock } from './clocks.ts'

const isNear = (a: number, b: number): boolean => Math.abs(a - b) < 1000

test('a movable clock starts at the machine’s time, moves, and returns to it', () => {
  const clock = new MovableClock()
  assert.ok(isNear(clock.now(), machineClock.now()))
  clock.advance(604_800_000)
  assert.ok(isNear(clock.now(), machineClock.now() + 604_800_000))
  clock.set(instant(Date.UTC(2040, 0, 1)))
  clock.advance(-1000)
  assert.ok(isNear(clock.now(), Date.UTC(2040, 0, 1) - 1000))
  clock.reset()
  assert.ok(isNear(clock.now(), machineClock.now()))
})

test('an instant is a whole number of milliseconds, whatever a clock was moved by', () => {
  const clock = new MovableClock()
  for (const milliseconds of [0.1, 0.5, -0.7, 1 / 3]) {
    clock.advance(milliseconds)
    assert.ok(Number.isSafeInteger(clock.now()), `after ${milliseconds} ms`)
  }
})

test('a moved clock stays within the years that records can write', () => {
  const clock = new MovableClock()
  assert.throws(() => clock.advance(8e15), /between the years 1970 and 9999/)
  assert.throws(() => clock.set(instant(-1)), /between the years 1970 and 9999/)
  assert.throws(() => clock.advance(Number.NaN), /between the years 1970 and 9999/)
  assert.ok(Math.abs(clock.now() - Date.now()) < 60_000)
})
