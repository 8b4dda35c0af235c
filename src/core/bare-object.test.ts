import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newBareObject } from './bare-object.ts'

test('a bare object inherits nothing that every object has', () => {
  const bare = newBareObject<number>()
  for (const name of Object.getOwnPropertyNames(Object.prototype)) {
    assert.equal(bare[name], undefined, name)
    assert.ok(!(name in bare), name)
  }
})

test('any name can be a member of it, and of it alone', () => {
  const bare = newBareObject<number>()
  for (const name of ['__proto__', 'constructor', 'toString']) bare[name] = 1
  assert.deepEqual(Object.entries(bare), [
    ['__proto__', 1],
    ['constructor', 1],
    ['toString', 1],
  ])
  assert.deepEqual(Object.keys(newBareObject()), [])
  assert.equal(newBareObject()['toString'], undefined)
  assert.equal('polluted' in {}, false)
})

test('what it inherits from cannot be changed', () => {
  const parent: unknown = Object.getPrototypeOf(newBareObject())
  assert.ok(typeof parent === 'object' && parent !== null && Object.isFrozen(parent))
  assert.equal(Object.getPrototypeOf(parent), null)
})
