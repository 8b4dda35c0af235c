import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MISSED_MAX, Pulse, RestartPause } from './pulse.ts'

test('a worker hangs after so many looks without a sign of life, and not before', () => {
  const pulse = new Pulse()
  for (let look = 0; look < MISSED_MAX; look++) assert.equal(pulse.look(), false)
  pulse.beat()
  for (let look = 0; look < MISSED_MAX; look++) assert.equal(pulse.look(), false)
  assert.equal(pulse.look(), true)
})

test('pauses grow to half a minute, and begin anew after a worker that was well', () => {
  const pause = new RestartPause()
  const pauses = Array.from({ length: 8 }, () => pause.next(1000))
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
  assert.equal(pause.next(60_000), 500)
  assert.equal(pause.next(0), 1000)
})
