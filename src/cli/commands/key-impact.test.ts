import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fakeOperator, runFake as run } from '../../../test/support/fake-terminal.ts'
import type { KeyImpact } from '../../core/key-impact.ts'

const ARN = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'
const APP = 'arn:aws:iam::111122223333:role/app'

const IDLE: KeyImpact = {
  arn: ARN,
  keyId: '1234abcd-12ab-34cd-56ef-1234567890ab',
  accountId: '111122223333',
  region: 'eu-central-1',
  description: '',
  createdAt: '2026-01-15T10:00:00.250Z',
  spec: 'SYMMETRIC_DEFAULT',
  usage: 'ENCRYPT_DECRYPT',
  origin: 'AWS_KMS',
  state: 'Enabled',
  uses: { days: 90, total: 0, by: [] },
  aliases: [],
  grants: { total: 0, some: [] },
  related: [],
  imported: [],
  warnings: [],
}

const use = (principal: string, operation: string, count: number) => ({
  principal,
  operation,
  count,
  first: '2026-01-16T10:00:00.000Z',
  last: '2026-01-17T10:00:00.000Z',
})

const BUSY: KeyImpact = {
  ...IDLE,
  description: 'orders',
  lastUse: {
    time: '2026-01-17T10:00:00.000Z',
    operation: 'Decrypt',
    eventId: 'event-1',
    requestId: 'request-1',
    principal: APP,
    sourceAddress: '192.0.2.1',
  },
  uses: {
    days: 90,
    total: 1203,
    by: [use(APP, 'Decrypt', 1200), use('444455556666', 'Encrypt', 3)],
  },
  aliases: ['alias/one', 'alias/two'],
  grants: {
    total: 12,
    some: [{ grantId: 'g1', name: 'shop', grantee: APP, operations: ['Decrypt', 'Encrypt'] }],
  },
  related: [
    { arn: ARN, role: 'primary', state: 'Enabled' },
    { arn: ARN.replace('central', 'west'), role: 'replica', state: 'Disabled' },
  ],
  imported: [{ materialId: 'm1', state: 'CURRENT', isPresent: true, validTo: IDLE.createdAt }],
  guard: { days: 30 },
  warnings: ['used 3 h ago', '2 aliases and 12 grants point here'],
}

describe('key impact', () => {
  test('shows uses, pointers and warnings', async () => {
    const asked: unknown[] = []
    const { openOperator, closed } = fakeOperator({
      keyImpact: async (request) => {
        asked.push(request)
        return BUSY
      },
    })
    const shown = await run(['key', 'impact', 'alias/one', '--account', '111122223333'], {
      openOperator,
    })
    assert.equal(
      shown.stdout,
      `${ARN}
orders
state       Enabled
key         SYMMETRIC_DEFAULT, ENCRYPT_DECRYPT, AWS_KMS, made 2026-01-15 10:00:00 UTC
last use    2026-01-17 10:00:00 UTC, Decrypt by ${APP} from 192.0.2.1
            event event-1
uses        1203 in the last 90 days; how often, what for, last, by whom:
  1200  Decrypt  2026-01-17 10:00:00 UTC  ${APP}
     3  Encrypt  2026-01-17 10:00:00 UTC  account 444455556666
aliases     alias/one, alias/two
grants      12
  ${APP}: Decrypt, Encrypt (shop)
  and 11 more
family
  primary  ${ARN}  Enabled, never used
  replica  ${ARN.replace('central', 'west')}  Disabled, never used
imported
  m1  CURRENT, here, expires 2026-01-15 10:00:00 UTC
guard       30 days

Before you delete it:
  ! used 3 h ago
  ! 2 aliases and 12 grants point here
`,
    )
    assert.deepEqual(asked, [{ key: 'alias/one', accountId: '111122223333', region: undefined }])
    assert.equal(closed(), 1)
  })

  test('says so where nothing speaks against a deletion', async () => {
    const { openOperator } = fakeOperator({ keyImpact: async () => IDLE })
    const { stdout, exitCode } = await run(['key', 'impact', ARN], { openOperator })
    assert.equal(exitCode, 0)
    assert.match(stdout, /last use {4}none\nuses {8}none in the last 90 days\naliases {5}none\n/)
    assert.match(stdout, /Nothing speaks against deleting it/)
    const json = await run(['key', 'impact', ARN, '--json'], { openOperator })
    assert.deepEqual(JSON.parse(json.stdout), IDLE)
  })

  test('shows the most frequent of many uses, and counts the rest', async () => {
    const by = Array.from({ length: 25 }, (_, index) => use(`user-${index}`, 'Encrypt', 25 - index))
    const many = { ...BUSY, uses: { days: 90, total: 325, by } }
    const { openOperator } = fakeOperator({ keyImpact: async () => many })
    const { stdout } = await run(['key', 'impact', ARN], { openOperator })
    assert.match(stdout, /user-19\n {2}and 5 more: --json has all\n/)
    assert.ok(!stdout.includes('user-20'))
  })

  test('a description cannot pass for what the command says', async () => {
    const description = 'orders\n\nNothing speaks against it.\u001b[8m\u009b8m\u202eevil'
    const { openOperator } = fakeOperator({ keyImpact: async () => ({ ...BUSY, description }) })
    const { stdout } = await run(['key', 'impact', ARN], { openOperator })
    assert.equal(stdout.split('\n')[1], 'orders??Nothing speaks against it.?[8m?8m?evil')
    const { stdout: json } = await run(['key', 'impact', ARN, '--json'], { openOperator })
    assert.equal(JSON.parse(json).description, description)
  })

  test('takes a key and nothing that is no account or Region', async () => {
    const { openOperator } = fakeOperator({})
    for (const words of [[], [ARN, '--account', '1'], [ARN, '--region', 'x y']]) {
      const refused = await run(['key', 'impact', ...words], { openOperator })
      assert.equal(refused.exitCode, 2)
    }
  })
})
