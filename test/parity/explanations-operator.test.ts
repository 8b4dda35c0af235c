import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { StartOptions } from '../../src/cli/program.ts'
import type { RunningServer } from '../../src/cli/serving-program.ts'
import type { Explanation, Simulation, WhoCan } from '../../src/core/explanations.ts'
import type { IssuedCredential } from '../../src/core/operator.ts'
import { Secret } from '../../src/core/secret.ts'
import { startDev } from '../../src/server/dev/dev.ts'
import { endpointInquirer } from '../../src/server/explanations/endpoint-inquirer.ts'
import { auditCat } from '../../src/server/operator/audit-commands.ts'
import { openOperator } from '../../src/server/operator/operator-access.ts'
import { startServer } from '../../src/server/start-server.ts'
import { type Outcome, runFake } from '../support/fake-terminal.ts'
import { temporaryFolder } from '../support/server-process.ts'
import { WireClient } from '../support/wire-client.ts'

const REGION = 'eu-central-1'
const folder = temporaryFolder()
const OPTIONS: StartOptions = {
  dataFolder: folder,
  store: undefined,
  keyfile: undefined,
  seal: undefined,
  passphraseFile: undefined,
  readPassphrase: () => Promise.resolve(new Secret(new Uint8Array(1))),
  port: 0,
  host: '127.0.0.1',
  region: REGION,
  tls: false,
  tlsHosts: [],
  allowPlainHttp: false,
  auditDurability: 'sync',
  acceptAuditDamage: false,
  logLevel: 'silent',
}

const policyFile = (name: string, ...Statement: readonly object[]): string => {
  const path = join(folder, name)
  writeFileSync(path, JSON.stringify({ Version: '2012-10-17', Statement }))
  return path
}
const ALLOW_ALL = { Effect: 'Allow', Action: '*', Resource: '*' }

/** The real command line, on the folder. */
const cli = (...argv: readonly string[]): Promise<Outcome> =>
  runFake([...argv, '--data', folder], { openOperator })

describe('explanations for operators', () => {
  let server: RunningServer | undefined
  let issued: IssuedCredential
  let keyArn = ''
  let requestId = ''

  const wire = (): WireClient =>
    new WireClient(server?.endpoint ?? '', issued.accessKeyId, REGION, issued.secretAccessKey)

  before(async () => {
    server = await startServer(OPTIONS)
    const account = await cli('account', 'create', '--account', '111122223333', '--json')
    issued = JSON.parse(account.stdout) as IssuedCredential
    const client = wire()
    const made = await client.kms('CreateKey')
    const { KeyMetadata } = JSON.parse(made.text) as { KeyMetadata: { Arn: string } }
    keyArn = KeyMetadata.Arn
    await client.kms('CreateAlias', { AliasName: 'alias/orders', TargetKeyId: keyArn })
    client.close()
  })
  after(() => server?.stop())

  /** The same answers, whether the node runs or not. */
  async function asksAll(): Promise<void> {
    const explained = await cli('explain', requestId, '--json')
    const { decisions, error } = JSON.parse(explained.stdout) as Explanation
    assert.equal(error?.code, 'AccessDeniedException')
    assert.equal(decisions[0]?.denial?.layer, 'service-control-policy')
    assert.equal(decisions[0].statements[0]?.sid, 'NoSecrets')
    const text = await cli('explain', requestId)
    assert.match(
      text.stdout,
      /statement 2 "NoSecrets" of the service control policy of the account/,
    )
    const account = ['--account', '111122223333']
    const who = await cli('who-can', 'Encrypt', 'alias/orders', ...account, '--json')
    const found = JSON.parse(who.stdout) as WhoCan
    assert.deepEqual(
      found.accesses.map(({ kind, outcome }) => [kind, outcome]),
      [['root', 'conditional']],
    )
    const keyPolicy = policyFile('key.json', {
      ...ALLOW_ALL,
      Principal: { AWS: '444455556666' },
    })
    const simulated = await cli('simulate', '--key', keyArn, '--key-policy', keyPolicy, '--json')
    assert.equal(simulated.exitCode, 1)
    const { warnings, changes } = JSON.parse(simulated.stdout) as Simulation
    assert.equal(warnings.length, 1)
    assert.ok(
      changes.some(({ principal, effect }) => principal === '444455556666' && effect === 'gains'),
    )
    const empty = policyFile('empty.json')
    const refused = await cli('simulate', '--key', keyArn, '--key-policy', empty)
    assert.deepEqual(
      [refused.exitCode, refused.stdout],
      [1, 'Problem: the key policy is not valid: The policy has no Statement.\n'],
    )
    const unknown = await cli('explain', '00000000-0000-4000-8000-000000000000')
    assert.deepEqual([unknown.exitCode, unknown.stdout], [1, ''])
    assert.match(unknown.stderr, /the audit log knows no request of this id/)
    const malformed = await cli('who-can', 'iam:PassRole', keyArn)
    assert.match(malformed.stderr, /that is no action on a KMS key/)
    const noKey = await cli('who-can', 'Encrypt', 'alias/other', ...account)
    assert.match(noKey.stderr, /there is no such key/)
  }

  test('a service control policy is in force at once, and everything is told by a running node', async () => {
    const client = wire()
    const encrypt = (value: string) =>
      client.kms('Encrypt', {
        KeyId: 'alias/orders',
        Plaintext: 'AA==',
        EncryptionContext: { app: value },
      })
    assert.equal((await encrypt('secret')).status, 200)
    const scp = policyFile('scp.json', ALLOW_ALL, {
      Sid: 'NoSecrets',
      Effect: 'Deny',
      Action: 'kms:Encrypt',
      Resource: '*',
      Condition: { StringEquals: { 'kms:EncryptionContext:app': 'secret' } },
    })
    const set = await cli('account', 'set-scp', '111122223333', scp)
    assert.equal(set.exitCode, 0, set.stderr)
    const denied = await encrypt('secret')
    assert.match(denied.text, /with an explicit deny in a service control policy/)
    requestId = denied.requestId
    assert.equal((await encrypt('other')).status, 200)
    client.close()
    await asksAll()
    const asOwner = endpointInquirer({
      endpoint: server?.endpoint ?? '',
      region: REGION,
      accessKeyId: issued.accessKeyId,
      secretAccessKey: issued.secretAccessKey,
    })
    assert.equal((await asOwner.explain({ requestId })).decisions[0]?.allowed, false)
    const who = await asOwner.whoCan({ action: 'Encrypt', key: 'alias/orders' })
    assert.equal(who.accesses.length, 1)
    await assert.rejects(asOwner.whoCan({ action: 'Encrypt', key: 'alias/none' }), /kms:|alias/)
  })

  test('and by the folder of a stopped one', async () => {
    await server?.stop()
    server = undefined
    await asksAll()
    const removed = await cli('account', 'remove-scp', '111122223333')
    assert.equal(removed.exitCode, 0, removed.stderr)
    const gone = await cli('account', 'show-scp', '111122223333')
    assert.match(gone.stderr, /has no service control policy/)
    const actions: unknown[] = []
    await auditCat(
      { ...OPTIONS, frames: true },
      {
        write: async (line) => {
          const frame = JSON.parse(line) as { kind: string; internal: { action: string } }
          if (frame.kind === 'operator') actions.push(frame.internal.action)
        },
        damaged: assert.fail,
      },
    )
    assert.deepEqual(actions.slice(-2), ['account set-scp', 'account remove-scp'])
  })

  test('the development server, which has no folder, is asked over HTTP on the command line', async () => {
    const dev = await startDev({
      port: 0,
      host: '127.0.0.1',
      account: '111122223333',
      region: REGION,
      allowPlainHttp: false,
      logLevel: 'silent',
    })
    const client = new WireClient(dev.endpoint, '111122223333')
    const made = await client.kms('CreateKey')
    client.close()
    const env = {
      AWS_ACCESS_KEY_ID: '111122223333',
      AWS_SECRET_ACCESS_KEY: 'any',
      AWS_REGION: REGION,
    }
    const openInquirer = async (options: Parameters<typeof endpointInquirer>[0]) =>
      endpointInquirer(options)
    const argv = ['explain', made.requestId, '--endpoint', dev.endpoint]
    const explained = await runFake(argv, { openInquirer }, { env })
    assert.match(explained.stdout, /kms:CreateKey on \*: allowed/)
    const without = await runFake(argv, { openInquirer })
    assert.equal(without.exitCode, 2)
    assert.match(without.stderr, /Set AWS_ACCESS_KEY_ID/)
    await dev.stop()
  })
})
