import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fakeProgram, fakeTerminal } from '../../../test/support/fake-terminal.ts'
import { runCommandLine } from '../command-line.ts'
import type { StoreMigration } from '../store-program.ts'

async function migrate(done: StoreMigration, ...flags: readonly string[]) {
  const terminal = fakeTerminal()
  const asked: unknown[] = []
  const program = fakeProgram({
    migrateStore: async (options) => {
      asked.push(options)
      return done
    },
  })
  const exitCode = await runCommandLine(['migrate', ...flags], terminal, program)
  return { exitCode, asked, out: terminal.stdout(), err: terminal.stderr() }
}

const TWO_STEPS: StoreMigration = { from: 1, to: 3, applied: ['2 key-life', '3 identity'] }

describe('strongroom migrate', () => {
  test('says what was done', async () => {
    const { exitCode, asked, out } = await migrate(TWO_STEPS, '--store', 'postgres://a@b/c')
    assert.equal(exitCode, 0)
    assert.deepEqual(asked, [{ store: 'postgres://a@b/c', dryRun: false }])
    assert.equal(out, 'The store has schema 3 now, it had 1:\n  2 key-life\n  3 identity\n')
  })

  test('says what would be done, and that nothing has to be', async () => {
    const planned = await migrate(TWO_STEPS, '--store', 'postgres://a@b/c', '--dry-run')
    assert.deepEqual(planned.asked, [{ store: 'postgres://a@b/c', dryRun: true }])
    assert.match(planned.out, /^The store has schema 1, and would have 3:\n/)
    const none = await migrate({ from: 3, to: 3, applied: [] }, '--store', 'postgres://a@b/c')
    assert.equal(none.out, 'The store has schema 3 already.\n')
    const newer = await migrate({ from: 4, to: 3, applied: [] }, '--store', 'postgres://a@b/c')
    assert.match(newer.out, /newer than this version's \(3\)/)
  })

  test('asks which database is meant', async () => {
    const { exitCode, err, asked } = await migrate(TWO_STEPS)
    assert.equal(exitCode, 2)
    assert.match(err, /--store is missing/)
    assert.deepEqual(asked, [])
  })
})
