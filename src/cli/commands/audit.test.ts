import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import { runFake as run } from '../../../test/support/fake-terminal.ts'
import type { Program } from '../program.ts'

describe('audit', () => {
  test('cat prints one record a line', async () => {
    const auditCat: Program['auditCat'] = async (options, write) => {
      assert.equal(options.dataFolder, 'copy')
      await write('{"a":1}')
      await write('{"a":2}')
    }
    const outcome = await run(['audit', 'cat', '--data', 'copy'], { auditCat })
    assert.deepEqual(outcome, { exitCode: 0, stdout: '{"a":1}\n{"a":2}\n', stderr: '' })
  })

  test('cat stops without a word when its reader leaves', async () => {
    let reads = 0
    const auditCat: Program['auditCat'] = async (_options, write) => {
      for (; ; reads += 1) await write('{}')
    }
    const outcome = await run(['audit', 'cat'], { auditCat }, { readLines: 3 })
    assert.deepEqual([outcome.exitCode, outcome.stderr, reads], [0, '', 3])
  })

  test('verify exits 0 on a whole chain and 1 on a broken one, saying where', async () => {
    const whole = { intact: true, segments: 2, frames: 10, problems: [] }
    const good = await run(['audit', 'verify'], { auditVerify: async () => whole })
    assert.deepEqual(good, {
      exitCode: 0,
      stdout: 'The audit log is whole: 2 segments, 10 frames.\n',
      stderr: '',
    })
    const broken = { ...whole, intact: false, problems: ['segment 2: frame 7 was changed'] }
    const bad = await run(['audit', 'verify'], { auditVerify: async () => broken })
    assert.equal(bad.exitCode, 1)
    assert.match(bad.stdout, /broken[^]*\n {2}segment 2: frame 7 was changed\n$/)
    const json = await run(['audit', 'verify', '--json'], { auditVerify: async () => broken })
    assert.deepEqual([json.exitCode, JSON.parse(json.stdout)], [1, broken])
  })

  test('verify keeps its exit code when nobody reads', async () => {
    const broken = { intact: false, segments: 1, frames: 1, problems: [] }
    const argv = ['audit', 'verify']
    const outcome = await run(argv, { auditVerify: async () => broken }, { readLines: 0 })
    assert.equal(outcome.exitCode, 1)
  })
})
