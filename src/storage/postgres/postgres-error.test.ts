import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AssertionFailure } from '../../core/assert.ts'
import { ConflictError, DependencyError, IntegrityError } from '../../core/errors.ts'
import { failureOf, fromPostgres, type PostgresFailure } from './postgres-error.ts'

const fromServer = (code: string, message = 'no'): Error =>
  Object.assign(new Error(message), {
    name: 'error',
    severity: 'ERROR',
    code,
    detail: 'Key (a)=(secret)',
  })

describe('an error of the database', () => {
  const meanings: readonly (readonly [Error, PostgresFailure])[] = [
    [fromServer('40001'), 'again'],
    [fromServer('40P01'), 'again'],
    [fromServer('55P03'), 'again'],
    [fromServer('57P01'), 'lost'],
    [fromServer('08006'), 'lost'],
    [fromServer('25006'), 'lost'],
    [fromServer('25P03'), 'lost'],
    [fromServer('57014'), 'slow'],
    [fromServer('23505'), 'other'],
    [fromServer('42501'), 'other'],
    [Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 'lost'],
    [new Error('Connection terminated unexpectedly'), 'lost'],
    [new AggregateError([], ''), 'lost'],
    [new TypeError('a bug'), 'other'],
    [new AssertionFailure('a bug'), 'other'],
    [new DependencyError('ours'), 'other'],
    [new IntegrityError('ours'), 'other'],
  ]
  for (const [error, meaning] of meanings) {
    const code = 'code' in error ? String(error.code) : error.message
    test(`${error.name} ${code} means ${meaning}`, () => {
      assert.equal(failureOf(error), meaning)
    })
  }

  test('becomes one of ours, without what a row holds', () => {
    const told = fromPostgres(fromServer('42501', 'permission denied for table node'), 'commit')
    assert.ok(told instanceof DependencyError)
    assert.match(
      told.message,
      /could not commit: permission denied for table node .*roles\.sql.*42501/,
    )
    assert.doesNotMatch(told.message, /secret/)
    assert.ok(fromPostgres(fromServer('23505'), 'insert') instanceof ConflictError)
    assert.ok(fromPostgres(fromServer('XX001'), 'read') instanceof IntegrityError)
  })

  test('of the connection says why, even where Node.js says it by a code alone', () => {
    const refused = Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' })
    const told = fromPostgres(refused, 'read a row')
    assert.ok(told instanceof DependencyError)
    assert.match(told.message, /could not be reached to read a row: ECONNREFUSED/)
  })

  test('of our own passes', () => {
    for (const error of [new DependencyError('x'), new TypeError('x'), 'text', undefined]) {
      assert.equal(fromPostgres(error, 'read'), error)
    }
  })
})
