import assert from 'node:assert/strict'
import test, { describe } from 'node:test'
import { runFake as run } from '../../../test/support/fake-terminal.ts'

describe('env', () => {
  const client = {
    endpoint: 'https://127.0.0.1:7600',
    region: 'eu-central-1',
    credentialsFile: "/data/it's/root-credentials",
    caFile: '/data/ca.pem',
  }

  test('prints lines that a shell can evaluate', async () => {
    const outcome = await run(['env'], { describeClient: async () => client })
    assert.equal(
      outcome.stdout,
      [
        'export AWS_ENDPOINT_URL=https://127.0.0.1:7600',
        'export AWS_REGION=eu-central-1',
        'export AWS_DEFAULT_REGION=eu-central-1',
        String.raw`export AWS_SHARED_CREDENTIALS_FILE='/data/it'\''s/root-credentials'`,
        'export AWS_CA_BUNDLE=/data/ca.pem',
        'export NODE_EXTRA_CA_CERTS=/data/ca.pem',
        '',
      ].join('\n'),
    )
  })

  test('unsets what would win over the credentials file', async () => {
    const outcome = await run(
      ['env'],
      { describeClient: async () => ({ ...client, caFile: undefined }) },
      { env: { AWS_PROFILE: 'prod', AWS_SESSION_TOKEN: 'x' } },
    )
    assert.match(outcome.stdout, /^unset AWS_SESSION_TOKEN AWS_PROFILE\nexport /)
    assert.doesNotMatch(outcome.stdout, /CA/)
  })

  test('flags win over the node', async () => {
    const argv = 'env --endpoint https://kms.example.com --region us-west-2 --json'.split(' ')
    const outcome = await run(argv, { describeClient: async () => client })
    const variables: unknown = JSON.parse(outcome.stdout)
    assert.partialDeepStrictEqual(variables, {
      AWS_ENDPOINT_URL: 'https://kms.example.com',
      AWS_REGION: 'us-west-2',
    })
  })

  test('without a node nothing is printed for the shell to evaluate', async () => {
    const outcome = await run(['env'], {
      describeClient: async () => ({ ...client, endpoint: undefined }),
    })
    assert.equal(outcome.stdout, '')
    assert.equal(outcome.exitCode, 1)
    assert.equal(
      outcome.stderr,
      'strongroom: no node runs on ./strongroom-data\n' +
        'Start one with "strongroom start", or name its address with --endpoint URL.\n',
    )
  })
})
