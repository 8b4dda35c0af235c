import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DependencyError, OperatorError } from '../core/errors.ts'
import { ANNOUNCED_SETTINGS } from '../core/store.ts'
import { HeldValue } from './held-value.ts'

describe('a held value', () => {
  test('is never taken back to what was so earlier', () => {
    const taken: (string | undefined)[] = []
    const held = new HeldValue({ name: 'keys', take: (value) => taken.push(value) })
    held.take('one', 3)
    held.take('two', 5)
    held.take('one', 4)
    held.take('two', 5)
    held.take(undefined, 6)
    assert.deepEqual(taken, ['one', 'two', 'two', undefined])
  })

  test('that cannot be taken says why', () => {
    const held = new HeldValue({
      name: 'keys',
      take() {
        throw new OperatorError('another root key')
      },
    })
    assert.throws(
      () => held.take('one', 1),
      (error) => error instanceof DependencyError && error.message === 'another root key',
    )
  })

  test('knows its announcement among changes', () => {
    const held = new HeldValue({ name: 'keys', take: () => undefined })
    const change = (table: string, name: string) => [{ epoch: 1, table, key: [name] }]
    assert.ok(held.isIn([...change('alias', 'keys'), ...change(ANNOUNCED_SETTINGS, 'keys')]))
    assert.ok(held.isIn('everything'))
    assert.ok(!held.isIn([...change('alias', 'keys'), ...change(ANNOUNCED_SETTINGS, 'other')]))
  })
})
