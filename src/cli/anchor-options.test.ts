import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runFake as run } from '../../test/support/fake-terminal.ts'
import type { StartOptions } from './program.ts'

test('the audit log is anchored where the flags of a start say', async () => {
  const given: StartOptions[] = []
  const startServer = async (options: StartOptions): Promise<never> => {
    given.push(options)
    throw new Error('seen enough')
  }
  const key = ['--anchor-key', 'arn', '--anchor-algorithm', 'RSASSA_PSS_SHA_256']
  const more = ['--anchor-minutes', '5', '--anchor-credentials-file', 'keys']
  await run(['start', '--anchor', 'strongroom:https://b', ...key, ...more], { startServer })
  await run(['start'], { startServer }, { env: { STRONGROOM_ANCHOR: 'file:/a webhook:https://b' } })
  await run(['start', ...more], { startServer })
  assert.deepEqual(
    given.map(({ anchoring }) => anchoring),
    [
      {
        to: ['strongroom:https://b'],
        everyMinutes: 5,
        signingAlgorithm: 'RSASSA_PSS_SHA_256',
        allowPlainHttp: false,
        keyArn: 'arn',
        credentialsFile: 'keys',
      },
      {
        to: ['file:/a', 'webhook:https://b'],
        everyMinutes: 15,
        signingAlgorithm: 'ECDSA_SHA_256',
        allowPlainHttp: false,
      },
      undefined,
    ],
  )
  for (const wrong of [
    ['--anchor', 'ftp:secret'],
    ['--anchor-minutes', '0'],
    ['--anchor-minutes', '1441'],
    ['--anchor-algorithm', 'ECDSA_SHA_512'],
  ]) {
    const { exitCode, stderr } = await run(['start', ...wrong], { startServer })
    assert.equal(exitCode, 2)
    assert.doesNotMatch(stderr, /secret/)
  }
})
