import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RecordCache } from './record-cache.ts'

const part = fc.constantFrom('a', 'b', '', 'a/1:b', '__proto__')
const step = fc.record({
  does: fc.constantFrom('set', 'delete', 'offer', 'get', 'clear'),
  table: fc.constantFrom('one', 'two'),
  parts: fc.tuple(part, part),
})

/** Tables differ in how many parts their keys have. */
const keyOf = (table: string, parts: readonly string[]): readonly string[] =>
  table === 'one' ? parts.slice(0, 1) : parts

test('with room for all, it is a map', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const cache = new RecordCache<object>(1000)
      const model = new Map<string, object>()
      for (const { does, table, parts } of steps) {
        const key = keyOf(table, parts)
        const name = JSON.stringify([table, key])
        const value = { name }
        if (does === 'clear') {
          cache.clear()
          model.clear()
        } else if (does === 'delete') {
          cache.delete(table, key)
          model.delete(name)
        } else if (does === 'set') {
          cache.set(table, key, value)
          model.set(name, value)
        } else if (does === 'offer') {
          const known = model.get(name)
          cache.offer(table, key, value)
          // What is there and old may be replaced by what was read just now.
          if (known === undefined || cache.get(table, key) === value) model.set(name, value)
        }
        assert.equal(cache.get(table, key), model.get(name))
        assert.equal(cache.size, model.size)
      }
    }),
  )
})

test('what is used stays, what is not goes, and the bound holds', () => {
  const cache = new RecordCache<object>(20)
  const used = {}
  cache.set('keys', ['r', 'used'], used)
  for (let n = 0; n < 200; n++) {
    cache.set('keys', ['r', `${n}`], {})
    assert.equal(cache.get('keys', ['r', 'used']), used)
    assert.ok(cache.size <= 20, `${cache.size} entries`)
  }
  assert.equal(cache.get('keys', ['r', '0']), undefined)
  assert.notEqual(cache.get('keys', ['r', '199']), undefined)
})

test('a cache of nothing keeps nothing', () => {
  const cache = new RecordCache<object>(0)
  cache.set('keys', ['a'], {})
  cache.offer('keys', ['a'], {})
  assert.equal(cache.get('keys', ['a']), undefined)
  assert.equal(cache.size, 0)
})
