import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fakeOperator, runFake as run } from '../../../test/support/fake-terminal.ts'
import type {
  ExplainedDecision,
  Explanation,
  Simulation,
  StatementRef,
  WhoCan,
} from '../../core/explanations.ts'

const KEY = 'arn:aws:kms:eu-central-1:111122223333:key/k'
const REQUEST = '1f0a8c2e-5a0e-4a53-9c0e-8a3e6d1f7b21'

const OPENING: StatementRef = {
  layer: 'resource-policy',
  policy: 'key policy',
  statement: 0,
  sid: 'Root',
  effect: 'Allow',
}
const ONLY_A: StatementRef = {
  layer: 'identity-policy',
  policy: 'user/alice inline policy app',
  statement: 1,
  effect: 'Allow',
}
const CONTEXT = { operator: 'StringEquals', key: 'kms:EncryptionContext:app', values: ['a'] }

const DENIED: ExplainedDecision = {
  action: 'kms:Encrypt',
  resource: KEY,
  allowed: false,
  denial: { layer: 'identity-policy', isExplicit: false },
  statements: [],
  grants: [],
  nearMisses: [
    { kind: 'statement', statement: ONLY_A, unmet: [{ ...CONTEXT, actual: 'b' }] },
    {
      kind: 'grant',
      grantId: '0123',
      name: 'backup',
      unmet: [{ operator: 'Operations', key: 'operation', values: ['Decrypt'], actual: 'Encrypt' }],
    },
  ],
}

const EXPLANATION: Explanation = {
  requestId: REQUEST,
  time: '2026-01-15T10:00:00Z',
  service: 'kms.amazonaws.com',
  operation: 'Encrypt',
  region: 'eu-central-1',
  caller: {
    accountId: '111122223333',
    principalId: 'AIDA1',
    arn: 'arn:aws:iam::111122223333:user/alice',
    accessKeyId: 'AKIA1',
  },
  sourceAddress: '127.0.0.1',
  userAgent: 'aws-cli/2',
  error: { code: 'AccessDeniedException', message: 'User: alice is not authorized' },
  decisions: [DENIED],
}

describe('explain', () => {
  test('tells who called, what was denied, and what came near to allowing it', async () => {
    const { openOperator } = fakeOperator({
      explain: async (request) => {
        assert.deepEqual(request, { requestId: REQUEST })
        return EXPLANATION
      },
    })
    const { stdout, exitCode } = await run(['explain', REQUEST], { openOperator })
    assert.equal(exitCode, 0)
    assert.equal(
      stdout,
      `request   ${REQUEST}
time      2026-01-15T10:00:00Z
call      kms.amazonaws.com Encrypt eu-central-1
caller    arn:aws:iam::111122223333:user/alice, account 111122223333, access key AKIA1
from      127.0.0.1 aws-cli/2
answer    AccessDeniedException: User: alice is not authorized

kms:Encrypt on ${KEY}: denied
  None of the caller's identity policies allows it, and one of them would have to.
  What came near to allowing it:
    statement 2 of the identity policy user/alice inline policy app, but:
      kms:EncryptionContext:app StringEquals a; the request had b
    grant "backup" 0123, but:
      it is for Decrypt, not for Encrypt
`,
    )
    const json = await run(['explain', REQUEST, '--json'], { openOperator })
    assert.deepEqual(JSON.parse(json.stdout), EXPLANATION)
  })

  test('is in colour on a terminal alone', async () => {
    const { openOperator } = fakeOperator({ explain: async () => EXPLANATION })
    const colored = await run(['explain', REQUEST], { openOperator }, { hasColors: true })
    assert.ok(colored.stdout.includes('\u001b[31mdenied\u001b[0m'))
  })

  test('tells an explicit denial, an allowed call, and what is not shown', async () => {
    const deny: StatementRef = { ...OPENING, effect: 'Deny', sid: 'Never' }
    const decisions: readonly ExplainedDecision[] = [
      {
        ...DENIED,
        denial: { layer: 'resource-policy', isExplicit: true },
        statements: [deny],
        nearMisses: [],
      },
      {
        action: 'kms:Encrypt',
        resource: 'a resource of another account',
        allowed: true,
        path: 'grant',
        statements: [],
        grants: [{ grantId: '0123', name: '' }],
        nearMisses: [],
        isPartlyHidden: true,
      },
    ]
    const { openOperator } = fakeOperator({
      explain: async () => ({ ...EXPLANATION, decisions, error: { code: 'InternalFailure' } }),
    })
    const { stdout } = await run(['explain', REQUEST], { openOperator })
    assert.match(
      stdout,
      /Denied explicitly, whatever allows it:\n {4}statement 1 "Never" of the key policy/,
    )
    assert.match(stdout, /Allowed by a grant:\n {4}grant 0123\n {2}Policies of another account/)
  })
})

describe('who-can', () => {
  const found: WhoCan = {
    action: 'kms:Encrypt',
    keyArn: KEY,
    examined: 9,
    next: 'mentioned/x',
    accesses: [
      {
        principal: 'arn:aws:iam::111122223333:root',
        kind: 'root',
        outcome: 'always',
        ways: [{ path: 'root', requires: [[{ statement: OPENING, conditions: [] }]] }],
        denies: [],
      },
      {
        principal: '444455556666',
        kind: 'account',
        dependsOnAccount: true,
        outcome: 'conditional',
        ways: [
          {
            path: 'grant',
            grant: {
              grantId: '0123',
              name: 'backup',
              grantee: 'arn:aws:iam::444455556666:root',
              conditions: [
                {
                  operator: 'EncryptionContextSubset',
                  key: 'encryption context',
                  values: ['app=a'],
                },
              ],
            },
            requires: [[{ statement: ONLY_A, conditions: [CONTEXT] }]],
          },
        ],
        denies: [{ statement: OPENING, conditions: [CONTEXT] }],
      },
    ],
  }

  test('lists principals with their ways and conditions', async () => {
    const { openOperator } = fakeOperator({
      whoCan: async (request) => {
        assert.equal(request.action, 'kms:Encrypt')
        assert.equal(request.key, 'alias/k')
        assert.equal(request.accountId, '111122223333')
        assert.equal(request.limit, 2)
        return found
      },
    })
    const argv = 'who-can kms:Encrypt alias/k --account 111122223333 --limit 2'.split(' ')
    const { stdout } = await run(argv, { openOperator })
    assert.equal(
      stdout,
      `2 principals of 9 may do kms:Encrypt on ${KEY}.

yes root      arn:aws:iam::111122223333:root
      as the root of its account, to which the key policy is open: statement 1 "Root" of the key policy
if  account   444455556666
      as far as its own account lets it
      by grant "backup" 0123 to arn:aws:iam::444455556666:root
        only with an encryption context that has app=a
        if statement 2 of the identity policy user/alice inline policy app: kms:EncryptionContext:app StringEquals a
      not if statement 1 "Root" of the key policy: kms:EncryptionContext:app StringEquals a

There are more: go on with --after 'mentioned/x'
`,
    )
    const json = await run([...argv, '--json'], { openOperator })
    assert.deepEqual(JSON.parse(json.stdout), found)
  })

  test('needs an action and a key, and a limit that is a number', async () => {
    assert.equal((await run(['who-can', 'kms:Encrypt'])).exitCode, 2)
    assert.equal((await run(['who-can', 'kms:Encrypt', 'k', '--limit', 'x'])).exitCode, 2)
  })
})

describe('simulate', () => {
  const nothing: Simulation = {
    problems: [],
    warnings: [],
    changes: [],
    examined: 3,
    keyArns: [KEY],
    isPartial: false,
  }
  const never = { outcome: 'never', ways: [], denies: [] } as const
  const always = { outcome: 'always', ways: [], denies: [] } as const
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'simulate-'))
    await writeFile(join(folder, 'policy.json'), '{}')
  })
  after(() => rm(folder, { recursive: true }))

  test('reads policies from files and tells gains, losses and warnings', async () => {
    const change = { keyArn: KEY, principal: 'alice', kind: 'user' } as const
    const { openOperator } = fakeOperator({
      simulate: async (request) => {
        assert.equal(request.change?.keyPolicy, '{}')
        assert.deepEqual(request.actions, ['Encrypt', 'Decrypt'])
        return {
          ...nothing,
          warnings: ['mind the gap'],
          changes: [
            { ...change, action: 'kms:Encrypt', effect: 'gains', before: never, after: always },
            { ...change, action: 'kms:Decrypt', effect: 'gains', before: never, after: always },
            { ...change, action: 'kms:Sign', effect: 'loses', before: always, after: never },
          ],
        }
      },
    })
    const file = join(folder, 'policy.json')
    const argv = ['simulate', '--key', 'k', '--key-policy', file]
    const { stdout, exitCode } = await run(
      [...argv, '--action', 'Encrypt', '--action', 'Decrypt'],
      { openOperator },
    )
    assert.equal(
      stdout,
      `Warning: mind the gap.
3 principals looked at, on 1 key.
user alice gains on ${KEY}:
  kms:Encrypt, kms:Decrypt
user alice loses on ${KEY}:
  kms:Sign
`,
    )
    assert.equal(exitCode, 1)
  })

  test('asks about one request, and says by its exit code whether it would be allowed', async () => {
    const { openOperator } = fakeOperator({
      simulate: async (request) => {
        assert.deepEqual(request.question, {
          principal: 'alice',
          action: 'Encrypt',
          context: { 'aws:TagKeys': ['x', 'y'], 'kms:ViaService': 's' },
          encryptionContext: { app: 'a=b' },
        })
        assert.equal(request.change, undefined)
        return { ...nothing, decision: DENIED }
      },
    })
    const pairs = ['aws:TagKeys=x', 'kms:ViaService=s', 'aws:TagKeys=y']
    const { exitCode, stdout } = await run(
      [
        ...'simulate --key k --principal alice --action Encrypt'.split(' '),
        ...pairs.flatMap((pair) => ['--context', pair]),
        '--encryption-context',
        'app=a=b',
      ],
      { openOperator },
    )
    assert.equal(exitCode, 1)
    assert.match(stdout, /denied\n {2}None of the caller's identity policies/)
    const unchanged = fakeOperator({ simulate: async () => nothing })
    const same = await run(['simulate', '--key', 'k', '--scp', join(folder, 'policy.json')], {
      openOperator: unchanged.openOperator,
    })
    assert.deepEqual(
      [same.exitCode, same.stdout],
      [0, 'Nothing changes: 3 principals looked at, on 1 key.\n'],
    )
  })
})
