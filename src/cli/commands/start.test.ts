import assert from 'node:assert/strict'
import test from 'node:test'
import { runFake as run } from '../../../test/support/fake-terminal.ts'

test('a retention is a whole number of days', async () => {
  for (const days of ['0', '-1', '1.5', '1e3', 'x']) {
    const outcome = await run(['start', `--audit-retention=${days}`])
    assert.equal(outcome.exitCode, 2)
    assert.match(outcome.stderr, /--audit-retention.*whole number of days/)
  }
})

test('a drain is a whole number of seconds, up to an hour', async () => {
  for (const seconds of ['-1', '0.5', '3601', '1e2', 'x', '']) {
    const outcome = await run(['start', `--drain=${seconds}`])
    assert.equal(outcome.exitCode, 2)
    assert.match(outcome.stderr, /--drain.*whole number from 0 to 3600/)
  }
})
