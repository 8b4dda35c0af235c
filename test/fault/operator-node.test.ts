import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  runStrongroom,
  type ServerProcess,
  startServer,
  temporaryFolder,
} from '../support/server-process.ts'

/** Status and body of a GET, with the certificate of an operator or without. */
function get(
  server: ServerProcess,
  path: string,
  operator?: string,
): Promise<{ readonly status: number; readonly body: string }> {
  const options = {
    ca: readFileSync(join(server.dataFolder, 'ca.pem')),
    agent: false,
    ...(operator !== undefined && {
      cert: readFileSync(`${operator}.pem`),
      key: readFileSync(`${operator}.key`),
    }),
  }
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, server.endpoint), options, (reply) => {
      let body = ''
      reply.setEncoding('utf8').on('data', (text: string) => (body += text))
      reply.on('end', () => resolve({ status: reply.statusCode ?? 0, body }))
    })
    sent.on('error', reject)
    sent.end()
  })
}

test('a node issues certificates to its operators, asks for them, and takes them back', async () => {
  const out = temporaryFolder()
  await using server = await startServer({ flags: ['--tls', '--operator-ca', 'own'] })
  const { dataFolder: data } = server
  const strongroom = (...args: readonly string[]) =>
    runStrongroom([...args, '--data', data], {
      env: { NODE_EXTRA_CA_CERTS: join(data, 'ca.pem') },
    })
  const issued = await strongroom('tls', 'issue-operator', 'alice', '--days', '2', '--out', out)
  assert.equal(issued.exitCode, 0, issued.stderr)
  assert.match(issued.stdout, /^Operator alice has .*alice\.pem and .*alice\.key, valid until 20/)
  const alice = join(out, 'alice')
  assert.equal(statSync(`${alice}.key`).mode & 0o777, 0o600)
  assert.equal((await get(server, '/-/metrics', alice)).status, 200)
  assert.equal((await get(server, '/-/ready')).status, 200)
  const refused = await get(server, '/-/metrics')
  assert.equal(refused.status, 403)
  assert.match(refused.body, /"code":"OperatorCertificateMissing"/)
  await server.saysToOperator(/"reason":"OperatorCertificateMissing"/)
  // The commands that ask over HTTP show it, too.
  const { accessKeyId, secretAccessKey } = server.credentials
  const explain = (...flags: readonly string[]) =>
    runStrongroom(
      ['explain', '1f0a8c2e-5a0e-4a53-9c0e-8a3e6d1f7b21', '--endpoint', server.endpoint, ...flags],
      {
        env: {
          NODE_EXTRA_CA_CERTS: join(data, 'ca.pem'),
          AWS_ACCESS_KEY_ID: accessKeyId,
          AWS_SECRET_ACCESS_KEY: secretAccessKey,
          AWS_REGION: 'us-east-1',
        },
      },
    )
  assert.match((await explain()).stderr, /show the client certificate of an operator/)
  const shown = await explain('--client-cert', `${alice}.pem`, '--client-key', `${alice}.key`)
  assert.match(shown.stderr, /there is no call with this request id/)

  // Another CA: what the old one has issued is void, without a restart.
  const replaced = await strongroom('tls', 'replace-operator-ca')
  assert.match(replaced.stdout, /^The operator CA is now CN=Strongroom operator CA [0-9a-f]{8};/)
  await server.saysToOperator(/the operator CA was replaced/)
  const void_ = await get(server, '/-/metrics', alice)
  assert.match(void_.body, /"code":"OperatorCertificateUntrusted"/)
  await strongroom('tls', 'issue-operator', 'bob', '--out', out)
  assert.equal((await get(server, '/-/metrics', join(out, 'bob'))).status, 200)
  const records = await strongroom('audit', 'cat', '--frames')
  for (const action of ['tls issue-operator', 'tls replace-operator-ca']) {
    assert.ok(records.stdout.includes(action), action)
  }
  assert.ok(!records.stdout.includes('PRIVATE KEY'))
})

test('a start that asks operators for certificates without TLS is refused', async () => {
  const data = temporaryFolder()
  const refused = await runStrongroom([
    'start',
    '--port',
    '0',
    '--data',
    data,
    '--operator-ca',
    'own',
  ])
  assert.equal(refused.exitCode, 1)
  assert.match(refused.stderr, /--operator-ca asks for certificates, and plain HTTP has none/)
})
