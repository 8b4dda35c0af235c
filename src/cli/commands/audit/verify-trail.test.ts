import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, describe } from 'node:test'
import { runFake as run } from '../../../../test/support/fake-terminal.ts'
import type { Program, TrailVerdict } from '../../program.ts'

const folder = mkdtempSync(join(tmpdir(), 'strongroom-verify-'))
after(() => rmSync(folder, { recursive: true }))
const keyFile = join(folder, 'key.pem')
const anchorFile = join(folder, 'anchors.jsonl')
writeFileSync(keyFile, 'PEM')
writeFileSync(anchorFile, '{}\n')

const VERDICT: TrailVerdict = {
  intact: true,
  findings: [],
  findingsLeftOut: 0,
  notes: [],
  accounts: 1,
  regions: 2,
  hours: 3,
  digests: 4,
  logFiles: 5,
  records: 6,
}
const EXTENT = '1 account, 2 Regions, 3 hours, 4 digests, 5 log files, 6 records'
const COPY = ['audit', 'verify', '--dir', 'copy', '--public-key', keyFile]

const answering =
  (verdict: TrailVerdict): Program['auditVerifyTrail'] =>
  async () =>
    verdict

describe('audit verify --dir', () => {
  test('asks for a copy with what was said of it', async () => {
    let asked: unknown
    const auditVerifyTrail: Program['auditVerifyTrail'] = async (options) => {
      asked = options
      return VERDICT
    }
    const more = ['--until', '2026-01-31T09:00:00Z', '--anchor', anchorFile]
    const account = ['--account', '111122223333', '--allow-unsigned-newest']
    const outcome = await run([...COPY, ...more, ...account], { auditVerifyTrail })
    assert.deepEqual(outcome, {
      exitCode: 0,
      stdout: `The trail is whole: ${EXTENT}.\n`,
      stderr: '',
    })
    assert.deepEqual(asked, {
      folder: 'copy',
      publicKeys: 'PEM',
      until: Date.UTC(2026, 0, 31, 9),
      anchors: { file: anchorFile, text: '{}\n' },
      accountId: '111122223333',
      allowUnsignedNewest: true,
      node: undefined,
    })
  })

  test('tells what is broken, where, and fails', async () => {
    const broken = {
      ...VERDICT,
      intact: false,
      findings: [{ file: 'AWSLogs/x.json.gz', what: 'was altered' }],
      findingsLeftOut: 2,
      notes: ['nothing vouches for it'],
    }
    const auditVerifyTrail = answering(broken)
    const outcome = await run(COPY, { auditVerifyTrail })
    assert.deepEqual(
      [outcome.exitCode, outcome.stdout.split('\n')],
      [
        1,
        [
          `The trail is broken: ${EXTENT}.`,
          '  AWSLogs/x.json.gz: was altered',
          '  … and 2 more',
          'Note: nothing vouches for it.',
          '',
        ],
      ],
    )
    const json = await run([...COPY, '--json'], { auditVerifyTrail })
    assert.deepEqual([json.exitCode, JSON.parse(json.stdout)], [1, broken])
  })

  test('cannot be made to say something else by what files are called', async () => {
    const file = '\u001b[2J\u001b[HThe trail is whole: 9 digests.\n'
    const findings = [{ file, what: 'does not belong into a trail' }]
    const auditVerifyTrail = answering({
      ...VERDICT,
      intact: false,
      findings,
      notes: ['\u001b[8m'],
    })
    const { stdout } = await run(COPY, { auditVerifyTrail })
    assert.equal(stdout.includes('\u001b'), false)
    assert.deepEqual(stdout.split('\n').slice(1), [
      '  ?[2J?[HThe trail is whole: 9 digests.?: does not belong into a trail',
      'Note: ?[8m.',
      '',
    ])
  })

  test('with a node checks its log, too, and both must be whole', async () => {
    const log = { intact: true, segments: 2, frames: 10, problems: [], macsChecked: true }
    for (const [trailIntact, logIntact] of [
      [true, true],
      [true, false],
      [false, true],
    ]) {
      const auditVerifyTrail: Program['auditVerifyTrail'] = async ({ node }) => {
        assert.equal(node?.dataFolder, 'data')
        const logVerdict = { ...log, intact: logIntact === true }
        return { ...VERDICT, intact: trailIntact === true, log: logVerdict }
      }
      const parts = { auditVerifyTrail }
      const outcome = await run([...COPY, '--data', 'data'], parts)
      assert.equal(outcome.exitCode, trailIntact === true && logIntact === true ? 0 : 1)
      assert.match(outcome.stdout, /^The trail is .*\nThe audit log is .*: 2 segments, 10 frames/)
    }
  })

  test('without a copy hands the anchors to the check of the log', async () => {
    const auditVerify: Program['auditVerify'] = async ({ anchors }) => {
      assert.deepEqual(anchors, { file: anchorFile, text: '{}\n' })
      return { intact: true, segments: 1, frames: 1, problems: [], macsChecked: true }
    }
    const outcome = await run(['audit', 'verify', '--anchor', anchorFile], { auditVerify })
    assert.equal(outcome.exitCode, 0)
  })

  test('shows how far it is only where a person looks', async () => {
    const auditVerifyTrail: Program['auditVerifyTrail'] = async (_options, onProgress) => {
      onProgress(VERDICT)
      return VERDICT
    }
    const live = await run(COPY, { auditVerifyTrail }, { errIsLive: true })
    assert.equal(live.stderr, `\r\u001b[K${`Verifying: ${EXTENT} …`.slice(0, 79)}\r\u001b[K`)
    const piped = await run(COPY, { auditVerifyTrail })
    assert.equal(piped.stderr, '')
  })

  test('refuses a command line that is not whole', async () => {
    for (const [argv, message] of [
      [['--dir', 'copy'], /--dir needs --public-key/],
      [['--public-key', keyFile], /need --dir/],
      [['--until', '2026-01-31'], /need --dir/],
      [
        ['--dir', 'copy', '--public-key', keyFile, '--until', 'yesterday'],
        /must be a time such as/,
      ],
    ] as const) {
      const outcome = await run(['audit', 'verify', ...argv])
      assert.equal(outcome.exitCode, 2)
      assert.match(outcome.stderr, message)
    }
    const none = await run(['audit', 'verify', '--dir', 'copy', '--public-key', join(folder, 'x')])
    assert.equal(none.exitCode, 1)
    assert.match(none.stderr, /the public key file was not read: there is no such file/)
  })
})
