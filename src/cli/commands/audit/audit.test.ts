import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import { runFake as run } from '../../../../test/support/fake-terminal.ts'
import type { Program } from '../../program.ts'

describe('audit', () => {
  test('cat prints one record a line', async () => {
    const auditCat: Program['auditCat'] = async (options, to) => {
      assert.deepEqual([options.dataFolder, options.frames], ['copy', false])
      await to.write('{"a":1}')
      await to.write('{"a":2}')
    }
    const outcome = await run(['audit', 'cat', '--data', 'copy'], { auditCat })
    assert.deepEqual(outcome, { exitCode: 0, stdout: '{"a":1}\n{"a":2}\n', stderr: '' })
  })

  test('cat stops without a word when its reader leaves', async () => {
    let reads = 0
    const auditCat: Program['auditCat'] = async (_options, to) => {
      for (; ; reads += 1) await to.write('{}')
    }
    const outcome = await run(['audit', 'cat'], { auditCat }, { readLines: 3 })
    assert.deepEqual([outcome.exitCode, outcome.stderr, reads], [0, '', 3])
  })

  test('cat passes over damage, names each place, and fails at its end', async () => {
    const auditCat: Program['auditCat'] = async (_options, to) => {
      await to.write('{"a":1}')
      await to.damaged('segment-1.log at byte 640: the batch was altered')
      await to.write('{"a":3}')
    }
    assert.deepEqual(await run(['audit', 'cat'], { auditCat }), {
      exitCode: 1,
      stdout: '{"a":1}\n{"a":3}\n',
      stderr:
        'strongroom: the audit log is damaged: segment-1.log at byte 640: the batch was altered\n',
    })
  })

  test('cat prints frames where they are asked for', async () => {
    const auditCat: Program['auditCat'] = async ({ frames }, to) => to.write(String(frames))
    const { stdout } = await run(['audit', 'cat', '--frames'], { auditCat })
    assert.equal(stdout, 'true\n')
  })

  test('verify says what it could not check', async () => {
    const verdict = { intact: true, segments: 1, frames: 2, problems: [], macsChecked: false }
    const notes = ['the root key is not at hand', 'no store is at hand']
    const whole = await run(['audit', 'verify'], {
      auditVerify: async () => ({ ...verdict, notes }),
    })
    assert.deepEqual(
      [whole.exitCode, whole.stdout.split('\n')],
      [
        0,
        [
          'The chain is whole; MACs were not checked: 1 segment, 2 frames.',
          'Note: the root key is not at hand.',
          'Note: no store is at hand.',
          '',
        ],
      ],
    )
    const broken = await run(['audit', 'verify'], {
      auditVerify: async () => ({ ...verdict, intact: false, problems: ['p'], notes }),
    })
    assert.match(broken.stdout, /broken: .*\n {2}p\nNote: the root key is not at hand\.\n/)
  })

  test('verify exits 0 on a whole chain and 1 on a broken one, saying where', async () => {
    const whole = { intact: true, segments: 2, frames: 10, problems: [], macsChecked: true }
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
    const broken = { intact: false, segments: 1, frames: 1, problems: [], macsChecked: true }
    const argv = ['audit', 'verify']
    const outcome = await run(argv, { auditVerify: async () => broken }, { readLines: 0 })
    assert.equal(outcome.exitCode, 1)
  })
})
