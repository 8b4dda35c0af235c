import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { StartOptions } from '../../src/cli/program.ts'
import type { RunningServer } from '../../src/cli/serving-program.ts'
import type { KeyImpact } from '../../src/core/key-impact.ts'
import type { IssuedCredential } from '../../src/core/operator.ts'
import { Secret } from '../../src/core/secret.ts'
import { auditCat } from '../../src/server/operator/audit-commands.ts'
import { openOperator } from '../../src/server/operator/operator-access.ts'
import { startServer } from '../../src/server/start-server.ts'
import { type Outcome, runFake } from '../support/fake-terminal.ts'
import { temporaryFolder } from '../support/server-process.ts'
import { blob, createKey, refused, succeeded, textOf, WireClient } from '../support/wire-client.ts'

const ACCOUNT = '111122223333'
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

/** The real command line, on the folder. */
const cli = (...argv: readonly string[]): Promise<Outcome> =>
  runFake([...argv, '--data', folder], { openOperator })

describe('deletion safety for operators', () => {
  let server: RunningServer | undefined
  let issued: IssuedCredential
  let arn = ''
  let requestId = ''

  const withWire = async <T>(work: (client: WireClient) => Promise<T>): Promise<T> => {
    const { accessKeyId, secretAccessKey } = issued
    const client = new WireClient(server?.endpoint ?? '', accessKeyId, REGION, secretAccessKey)
    try {
      return await work(client)
    } finally {
      client.close()
    }
  }

  before(async () => {
    server = await startServer(OPTIONS)
    const account = await cli('account', 'create', '--account', ACCOUNT, '--json')
    issued = JSON.parse(account.stdout) as IssuedCredential
    await withWire(async (client) => {
      const key = await createKey(client)
      arn = key.arn
      const AliasName = 'alias/orders'
      succeeded(await client.kms('CreateAlias', { AliasName, TargetKeyId: key.id }))
      const input = { KeyId: key.id, Plaintext: blob('x') }
      succeeded(await client.kms('Encrypt', input))
      const last = await client.kms('Encrypt', input)
      succeeded(last)
      requestId = last.requestId
    })
  })
  after(() => server?.stop())

  const impactOf = async (...words: readonly string[]): Promise<KeyImpact> => {
    const { stdout, stderr, exitCode } = await cli('key', 'impact', ...words, '--json')
    assert.equal(exitCode, 0, stderr)
    return JSON.parse(stdout) as KeyImpact
  }

  /** The same answers, whether the node runs or not. */
  async function asksImpact(): Promise<void> {
    for (const words of [
      [arn],
      [arn.slice(arn.indexOf('key/') + 4)],
      ['alias/orders', '--account', ACCOUNT, '--region', REGION],
    ]) {
      const impact = await impactOf(...words)
      assert.equal(impact.arn, arn)
      assert.equal(impact.lastUse?.requestId, requestId)
      assert.equal(impact.lastUse.principal, `arn:aws:iam::${ACCOUNT}:root`)
      assert.deepEqual(
        impact.uses.by.map(({ operation, count }) => [operation, count]),
        [['Encrypt', 2]],
      )
      assert.deepEqual(impact.aliases, ['alias/orders'])
    }
    const shown = await cli('key', 'impact', 'alias/orders', '--account', ACCOUNT)
    assert.match(
      shown.stdout,
      /Before you delete it:\n {2}! used .*\(Encrypt\); 2 uses by 1 principal/,
    )
    assert.match(shown.stdout, /! 1 alias points here\n/)
    const none = await cli('key', 'impact', 'alias/none', '--account', ACCOUNT)
    assert.deepEqual([none.exitCode, none.stdout], [1, ''])
    assert.match(none.stderr, /there is no such key/)
    const unclear = await cli('key', 'impact', 'alias/orders')
    assert.match(unclear.stderr, /--account/)
  }

  test('a running node tells the impact', asksImpact)

  test('a guard holds from the next call on, on the record as an operator’s', async () => {
    const account = [ACCOUNT]
    const schedule = () => withWire((client) => client.kms('ScheduleKeyDeletion', { KeyId: arn }))
    await cli('account', 'set-deletion-guard', ...account, '--days', '7')
    refused(await schedule(), 'KMSInvalidStateException', /deletion guard of account 111122223333/)
    assert.equal((await impactOf(arn)).guard?.days, 7)
    const shown = await cli('account', 'show-deletion-guard', ...account)
    assert.match(shown.stdout, /within 7 days/)
    await cli('account', 'remove-deletion-guard', ...account)
    const none = await cli('account', 'show-deletion-guard', ...account)
    assert.deepEqual([none.exitCode, none.stdout], [1, ''])
    assert.equal(textOf(succeeded(await schedule()), 'KeyState'), 'PendingDeletion')
    succeeded(await withWire((client) => client.kms('CancelKeyDeletion', { KeyId: arn })))
    const frames: string[] = []
    const to = {
      write: async (line: string) => void frames.push(line),
      damaged: async () => assert.fail('the log is whole'),
    }
    await auditCat({ ...OPTIONS, frames: true }, to)
    const commands = frames.filter((line) => line.includes('deletion-guard'))
    assert.deepEqual(
      commands.map((line) => {
        const { kind, internal } = JSON.parse(line) as {
          kind: string
          internal: { outbox: number; time: number }
        }
        const { outbox, time, ...said } = internal
        assert.deepEqual([outbox > 0, time > 0], [true, true])
        return [kind, said]
      }),
      [
        ['operator', { action: 'account set-deletion-guard', accountId: ACCOUNT, days: 7 }],
        ['operator', { action: 'account remove-deletion-guard', accountId: ACCOUNT }],
      ],
    )
  })

  test('a stopped folder tells the impact, with its index or without', async () => {
    await server?.stop()
    server = undefined
    await asksImpact()
    rmSync(join(folder, 'audit-index'), { recursive: true })
    await asksImpact()
  })

  test('a guard set while stopped holds after the start', async () => {
    await cli('account', 'set-deletion-guard', ACCOUNT, '--days', '7')
    server = await startServer(OPTIONS)
    const answer = await withWire((client) => client.kms('ScheduleKeyDeletion', { KeyId: arn }))
    refused(answer, 'KMSInvalidStateException', /deletion guard/)
  })
})
