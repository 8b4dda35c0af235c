import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fakeOperator, runFake as run } from '../../../test/support/fake-terminal.ts'

const ACCOUNT = ['111122223333']

describe('deletion guards on the command line', () => {
  const guard = { accountId: '111122223333', days: 90, updatedAt: '2030-01-01T00:00:00.000Z' }

  test('are set, shown and removed', async () => {
    const asked: unknown[] = []
    const { openOperator, closed } = fakeOperator({
      setDeletionGuard: async (request) => {
        asked.push(request)
        return guard
      },
      getDeletionGuard: async () => guard,
      removeDeletionGuard: async ({ accountId }) => ({ accountId }),
    })
    const line =
      'Keys of account 111122223333 that were used within 90 days are not scheduled for deletion.\n'
    const words = ['account', 'set-deletion-guard', ...ACCOUNT, '--days', '90']
    assert.equal((await run(words, { openOperator })).stdout, line)
    assert.deepEqual(asked, [{ accountId: '111122223333', days: 90 }])
    const shown = await run(['account', 'show-deletion-guard', ...ACCOUNT], { openOperator })
    assert.equal(shown.stdout, line)
    const json = ['account', 'show-deletion-guard', ...ACCOUNT, '--json']
    assert.deepEqual(JSON.parse((await run(json, { openOperator })).stdout), guard)
    const removed = await run(['account', 'remove-deletion-guard', ...ACCOUNT], { openOperator })
    assert.equal(removed.stdout, 'Account 111122223333 has no deletion guard any more.\n')
    assert.equal(closed(), 4)
  })

  test('ask for the account and a number of days', async () => {
    const { openOperator } = fakeOperator({})
    for (const [words, problem] of [
      [['--days', '9'], /'id'|<id>/],
      [ACCOUNT, /--days/],
      [[...ACCOUNT, '--days', 'many'], /number of days/],
      [[...ACCOUNT, '--days', '-3'], /number of days/],
      [['secret', '--days', '3'], /12 digits/],
      [[...ACCOUNT, 'secret', '--days', '3'], /too many arguments/i],
    ] as const) {
      const refused = await run(['account', 'set-deletion-guard', ...words], { openOperator })
      assert.equal(refused.exitCode, 2)
      assert.match(refused.stderr, problem)
      assert.ok(!refused.stderr.includes('secret'))
    }
  })
})
