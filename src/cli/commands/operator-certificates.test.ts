import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fakeOperator, runFake } from '../../../test/support/fake-terminal.ts'

describe('certificates of operators on the command line', () => {
  const out = mkdtempSync(join(tmpdir(), 'strongroom-cli-'))
  after(() => rmSync(out, { recursive: true }))
  const asked: unknown[] = []
  const { openOperator } = fakeOperator({
    issueOperatorCertificate: async (request) => {
      asked.push(request)
      return {
        name: request.name,
        serialNumber: '4A',
        validUntil: '2030-01-01T00:00:00.000Z',
        certificatePem: 'the certificate',
        privateKeyPem: 'the key',
      }
    },
    replaceOperatorAuthority: async () => ({ authority: 'CN=new' }),
  })
  const run = (...argv: readonly string[]) => runFake(['tls', ...argv], { openOperator })

  test('are two files, of which the key is for the owner alone, and never on the screen', async () => {
    const done = await run('issue-operator', 'alice', '--days', '7', '--out', out)
    assert.equal(done.exitCode, 0, done.stderr)
    assert.ok(!done.stdout.includes('the key'))
    assert.equal(readFileSync(join(out, 'alice.pem'), 'utf8'), 'the certificate')
    assert.equal(readFileSync(join(out, 'alice.key'), 'utf8'), 'the key')
    assert.equal(statSync(join(out, 'alice.key')).mode & 0o777, 0o600)
    const json = await run('issue-operator', 'bob', '--out', out, '--json')
    assert.deepEqual(JSON.parse(json.stdout), {
      name: 'bob',
      serialNumber: '4A',
      validUntil: '2030-01-01T00:00:00.000Z',
      certificateFile: join(out, 'bob.pem'),
      keyFile: join(out, 'bob.key'),
    })
    assert.deepEqual(asked.splice(0), [
      { name: 'alice', days: 7 },
      { name: 'bob', days: undefined },
    ])
  })

  test('overwrite nothing, and are for a number of days', async () => {
    const before = readdirSync(out)
    const again = await run('issue-operator', 'alice', '--out', out)
    assert.equal(again.exitCode, 1)
    assert.match(again.stderr, /alice\.key is there already/)
    const nowhere = await run('issue-operator', 'carol', '--out', join(out, 'nowhere'))
    assert.match(nowhere.stderr, /carol\.key cannot be written/)
    assert.equal((await run('issue-operator', 'carol', '--days', '0')).exitCode, 2)
    assert.deepEqual(readdirSync(out), before)
  })

  test('are void once their CA is replaced', async () => {
    const { stdout } = await run('replace-operator-ca')
    assert.match(stdout, /^The operator CA is now CN=new; certificates of the old one are void\.$/m)
  })

  test('half of a pair is shown to nobody', async () => {
    const flags = ['--endpoint', 'https://localhost:1', '--client-cert', 'a.pem']
    const env = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_REGION: 'us-east-1' }
    const { exitCode, stderr } = await runFake(['explain', 'x', ...flags], {}, { env })
    assert.equal(exitCode, 2)
    assert.match(stderr, /--client-cert and --client-key go together/)
  })
})
