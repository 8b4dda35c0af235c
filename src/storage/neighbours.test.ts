import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Neighbour, SilentNodes } from './neighbours.ts'

const SILENT_MS = 1000

function aWatch() {
  const time = { ms: 50 }
  const silent = new SilentNodes(() => time.ms, SILENT_MS)
  const look = (renewal: number, more: Partial<Neighbour> = {}): readonly string[] =>
    silent.find([{ nodeId: 'one', isLive: true, renewal, frames: 1, ...more }])
  return { time, look }
}

test('a node is gone when it has given no sign of life for so long, whatever its row says', () => {
  for (const isLive of [true, false]) {
    const { time, look } = aWatch()
    assert.deepEqual(look(7, { isLive }), [])
    time.ms += SILENT_MS - 1
    assert.deepEqual(look(7, { isLive }), [])
    time.ms += 1
    assert.deepEqual(look(7, { isLive }), ['one'])
  }
})

test('each sign of life begins the time anew', () => {
  const { time, look } = aWatch()
  for (let renewal = 1; renewal < 10; renewal++) {
    assert.deepEqual(look(renewal), [])
    time.ms += SILENT_MS
  }
  assert.deepEqual(look(10), [])
})

test('one that is heard of otherwise is waited for in full again', () => {
  const time = { ms: 0 }
  const silent = new SilentNodes(() => time.ms, SILENT_MS)
  const find = () => silent.find([{ nodeId: 'one', renewal: 7, frames: 1 }])
  find()
  time.ms += SILENT_MS
  assert.deepEqual(find(), ['one'])
  silent.heardOf('one')
  assert.deepEqual(find(), [])
  time.ms += SILENT_MS
  assert.deepEqual(find(), ['one'])
})

test('a node that has left nothing behind is left alone', () => {
  const { time, look } = aWatch()
  look(1, { frames: 0 })
  time.ms += 2 * SILENT_MS
  assert.deepEqual(look(1, { frames: 0 }), [])
  assert.deepEqual(look(1, { frames: 2 }), ['one'])
})
