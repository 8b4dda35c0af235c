import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DependencyError } from '../core/errors.ts'
import { describeFailure } from './failures.ts'

const told = (message: string): string =>
  describeFailure(new DependencyError(message), { details: false, commandName: 'strongroom' }).text

test('what a database has refused sends nobody to look at the disk', () => {
  assert.equal(
    told('the database could not open the store: password authentication failed'),
    'strongroom: the database could not open the store: password authentication failed\n' +
      'Look whether the database runs, and is what the URL says.\n',
  )
  assert.match(
    told('the audit log could not be opened'),
    /\nLook whether the disk is full or fails/,
  )
})
