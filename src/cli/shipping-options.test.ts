import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runFake as run } from '../../test/support/fake-terminal.ts'
import type { StartOptions } from './program.ts'

test('the audit trail is shipped where the flags of a start say', async () => {
  const given: StartOptions[] = []
  const startServer = async (options: StartOptions): Promise<never> => {
    given.push(options)
    throw new Error('seen enough')
  }
  const store = ['--ship-s3-endpoint', 'https://s3.example.com', '--ship-s3-region', 'eu-central-1']
  const more = ['--ship-credentials-file', 'keys', '--ship-allow-plain-http']
  await run(['start', '--ship-to', 'dir:/a', '--ship-to', 's3://b/c', ...store, ...more], {
    startServer,
  })
  const env = { STRONGROOM_SHIP_TO: 'dir:/a s3://*' }
  await run(['start'], { startServer }, { env })
  await run(['start', ...store], { startServer })
  assert.deepEqual(
    given.map(({ shipping }) => shipping),
    [
      {
        to: ['dir:/a', 's3://b/c'],
        s3Endpoint: 'https://s3.example.com',
        s3Region: 'eu-central-1',
        credentialsFile: 'keys',
        allowPlainHttp: true,
      },
      { to: ['dir:/a', 's3://*'], allowPlainHttp: false },
      undefined,
    ],
  )
  const wrong = await run(['start', '--ship-to', 'ftp://secret'], { startServer })
  assert.equal(wrong.exitCode, 2)
  assert.doesNotMatch(wrong.stderr, /secret/)
})
